package durable

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
)

// acquire takes a place in a semaphore.
func acquire(ctx context.Context, semaphore chan struct{}) error {
	select {
	case semaphore <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// sleep waits for d. It returns errCancelled if the run is cancelled meanwhile.
func (c *calls) sleep(ctx context.Context, d time.Duration) error {
	wanted, stop := c.gate.untilCancelled(ctx)
	defer stop()
	return sleep(wanted, d)
}

// awaitTurn waits until a batch may be polled. It returns errCancelled if the
// run is cancelled meanwhile.
func (c *calls) awaitTurn(ctx context.Context, due time.Time) (done func(), err error) {
	wanted, stop := c.gate.untilCancelled(ctx)
	defer stop()
	return c.polls.wait(wanted, due)
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// calls waits between the calls of the provider.
type calls struct {
	*config
	gate          *gate
	notices       *notices
	polls         *poller
	transferSlots chan struct{} // uploads and downloads at a time
}

// backOff waits after a failed call. It returns the error if waiting would not
// help.
func (c *calls) backOff(ctx context.Context, in intent.Intent, call string, attempts int, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch retry.ClassOf(err) {
	case retry.Blocked, retry.Permanent:
		return fmt.Errorf("durable: batch %s: %w", in.Tag, err)
	case retry.Retryable, retry.Ambiguous:
	}
	d := c.pause(attempts, err)
	c.notices.raiseTrouble(ctx, in, trouble{call: call, err: err, again: d, lasts: true})
	return c.sleep(ctx, d)
}

// pause returns how long to wait after so many attempts. The wait is limited
// like a polling interval, so that a recovery is noticed within minutes.
func (c *calls) pause(attempts int, err error) time.Duration {
	longest := max(c.poll, maxPoll)
	return max(min(c.interval(0)<<min(attempts, 8), longest), retry.After(err))
}

const maxPoll = 5 * time.Minute

// interval grows with the age of a batch and is spread by a tenth.
func (c *calls) interval(age time.Duration) time.Duration {
	d := min(max(c.poll, age/20), max(c.poll, maxPoll))
	return d - rand.N(d/10+1) //nolint:gosec // jitter
}

// withTransferSlot runs do, which transfers a whole batch. Only a few run at a
// time.
func withTransferSlot[V any](ctx context.Context, c *calls, do func() (V, error)) (v V, err error) {
	if err := acquire(ctx, c.transferSlots); err != nil {
		return v, err
	}
	defer func() { <-c.transferSlots }()
	return do()
}
