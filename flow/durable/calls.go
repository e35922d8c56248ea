package durable

import (
	"context"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/purchase"
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
	return purchase.Sleep(wanted, d)
}

// calls waits between the calls of the provider.
type calls struct {
	*config
	gate          *gate
	notices       *notices
	polls         *poller
	resting       *restingDrivers
	transferSlots chan struct{} // uploads and downloads at a time
}

// backOff waits after a failed call. It returns the error if waiting would not
// help. The rows of an abandoned batch have gone on, so the run may end
// meanwhile, and then the error is errLeft.
func (c *calls) backOff(ctx context.Context, s *service, in intent.Intent, call string, attempts int, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch retry.ClassOf(err) {
	case retry.Blocked, retry.Permanent:
		return fmt.Errorf("durable: batch %s: %w", in.Tag, err)
	case retry.Retryable, retry.Ambiguous:
	}
	d := c.pause(attempts, err)
	c.notices.raiseTrouble(ctx, s, in, trouble{call: call, err: err, again: d, lasts: true})
	if in.Abandoned {
		return c.resting.during(ctx, func(ctx context.Context) error { return c.sleep(ctx, d) })
	}
	return c.sleep(ctx, d)
}

// pause returns how long to wait after so many attempts.
func (c *calls) pause(attempts int, err error) time.Duration {
	return purchase.Backoff(c.poll, attempts, err)
}

// interval returns how long to wait before a batch of this age is polled.
func (c *calls) interval(age time.Duration) time.Duration { return purchase.Interval(c.poll, age) }

// withTransferSlot runs do, which transfers a whole batch. Only a few run at a
// time.
func withTransferSlot[V any](ctx context.Context, c *calls, do func() (V, error)) (v V, err error) {
	if err := acquire(ctx, c.transferSlots); err != nil {
		return v, err
	}
	defer func() { <-c.transferSlots }()
	return do()
}
