package purchase

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/balerhq/baler/retry"
)

// MaxPoll is the longest polling interval, unless the shortest is longer.
const MaxPoll = 5 * time.Minute

// Interval returns how long to wait before a batch of this age is polled again:
// a twentieth of its age, between the shortest interval and MaxPoll. It is
// spread by a tenth, so that batches that were sent together are not polled
// together.
func Interval(shortest, age time.Duration) time.Duration {
	d := min(max(shortest, age/20), max(shortest, MaxPoll))
	return d - rand.N(d/10+1) //nolint:gosec // jitter
}

// Backoff returns how long to wait after so many attempts, the last of which
// failed with err. The wait is limited like a polling interval, so that a
// recovery is noticed within minutes.
func Backoff(shortest time.Duration, attempts int, err error) time.Duration {
	return max(min(Interval(shortest, 0)<<min(attempts, 8), max(shortest, MaxPoll)), retry.After(err))
}

// Sleep waits for d or the end of ctx.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
