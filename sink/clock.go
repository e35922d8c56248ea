package sink

import (
	"context"
	"time"
)

// Clock is a Provider that says what time it is where it is. Those that wait
// for hours or days then need not rely on the clock of their own machine, which
// may be wrong, or be set while no process is there to notice.
type Clock interface {
	// Clock is the provider's time, to within a minute or so. It is known once
	// there was a reply.
	Clock() (now time.Time, known bool)
}

// Now is the time at the provider, for what is counted back from it. It makes a
// Check if no reply has told it yet, and is that of this machine if none does.
func Now(ctx context.Context, p Provider) time.Time {
	c, ok := p.(Clock)
	if !ok {
		return time.Now()
	}
	if now, known := c.Clock(); known {
		return now
	}
	_ = p.Check(ctx) // it fails again for whoever needs more of it
	if now, known := c.Clock(); known {
		return now
	}
	return time.Now()
}
