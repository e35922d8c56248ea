package sink

import (
	"context"
	"time"
)

// Now is the time at the provider, for what is counted back from it. It makes a
// Check if no reply has told it yet, and is that of this machine if none does.
func Now(ctx context.Context, p Provider) time.Time {
	if !p.Info().Clock {
		return time.Now()
	}
	if now, known := p.Clock(); known {
		return now
	}
	_ = p.Check(ctx) // it fails again for whoever needs more of it
	if now, known := p.Clock(); known {
		return now
	}
	return time.Now()
}
