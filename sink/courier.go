package sink

import (
	"context"
	"errors"
	"fmt"
	"math"
	mathrand "math/rand/v2"
	"time"

	"github.com/balerhq/baler/retry"
)

const (
	maxPoll   = 5 * time.Minute
	findSlack = 15 * time.Minute // by which the provider's clock may differ from ours
)

// courier takes batches to a provider and brings back what became of them.
type courier struct {
	provider Provider
	cfg      Config
}

// carry has the rows answered in one batch and calls take once for each of
// them, unless it returns an error, which holds for those it did not call take
// for. It names the rows itself. An error is that of take, of ctx, or says that
// the provider is blocked.
func (c courier) carry(ctx context.Context, to route, rows []Row, take taker) error {
	t := newTrip(c, to, rows, take)
	err := t.run(ctx)
	switch {
	case ctx.Err() != nil:
		t.abandoned(ctx)
		return context.Cause(ctx)
	case retry.ClassOf(err) == retry.Blocked:
		t.abandoned(ctx)
		return fmt.Errorf("sink: %w", err)
	case err != nil:
		return t.settleRest(rowError(err))
	}
	return nil
}

// rowError makes an error of a batch that of a row.
func rowError(err error) *RowError {
	e := &RowError{Class: retry.ClassOf(err), Code: "batch_failed", Message: err.Error()}
	for said := new(retry.Error); errors.As(err, &said); err = said.Err {
		if said.Code != "" { // the provider's, which is innermost
			e.Code = said.Code
		}
	}
	return e
}

// delay is how long to wait after so many attempts.
func (c courier) delay(attempts int, err error) time.Duration {
	p := c.cfg.Retry
	p.MaxAttempts, p.Classify = math.MaxInt, func(error) retry.Class { return retry.Retryable }
	d, _ := p.Next(attempts, err)
	return d
}

// interval grows with the age of a batch and is spread by a tenth, so that
// batches that were sent together are not polled together.
func (c courier) interval(age time.Duration) time.Duration {
	d := min(max(c.cfg.Poll, age/20), max(c.cfg.Poll, maxPoll))
	return d - mathrand.N(d/10+1)
}

// sleep waits for d, or returns why ctx ended.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
