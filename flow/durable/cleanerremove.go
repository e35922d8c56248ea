package durable

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

const (
	removeInterval = time.Hour // the longest interval at which an endless run checks what is due
	removeAtOnce   = 4
	removeChunk    = 100         // batches whose removal one line of the journal records
	removeLimit    = time.Minute // for removeChunk batches; a finished run waits no longer
)

// hasEnded reports whether nothing more will be delivered.
func (c *cleaner) hasEnded() bool {
	return c.progress.finished() || c.gate.cancelled() && c.progress.inFlight() == 0
}

// due returns the batches whose files need not be kept any longer.
func (c *cleaner) due() []keptBatch {
	now, keep := c.clock.now(), c.kept.keep
	ended := c.hasEnded()
	switch {
	case keep == KeepForever:
		return nil
	case ended && now.Before(c.kept.ended().Add(keep)):
		return nil
	case ended:
		return c.kept.list(now)
	case c.progress.ended(): // the run will end soon, too
		return nil
	case keep == 0:
		keep = keepDelivered
	}
	return c.kept.list(now.Add(-keep))
}

// removeDelivered runs while the source has not ended. From time to time it
// removes files of batches that were delivered.
func (c *cleaner) removeDelivered(ctx context.Context) error {
	interval := removeInterval
	if c.kept.keep > 0 {
		interval = min(interval, max(c.kept.keep/4, time.Second))
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if !c.progress.ended() && !c.gate.cancelled() {
			c.removeDue(ctx)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// removeDue deletes the files that are due at the provider. A failure raises a
// notice and is left to a later start or RemoveKept, because it must not stop
// the run.
func (c *cleaner) removeDue(ctx context.Context) {
	c.deleteStored(ctx)
	if ctx.Err() != nil {
		return
	}
	var left int
	var cause error
	for due := c.due(); len(due) > 0; {
		some := due[:min(removeChunk, len(due))]
		due = due[len(some):]
		failed, err := c.removeSome(ctx, some)
		if ctx.Err() != nil {
			return
		}
		if left += failed; cause == nil {
			cause = err
		}
		if err != nil && retry.ClassOf(err) != retry.Permanent {
			left += len(due) // because these would fail too
			break
		}
	}
	if cause == nil {
		c.notices.clear(NoticeStorage, "")
		return
	}
	c.notices.raise(ctx, Notice{
		Kind: NoticeStorage, Text: fmt.Sprintf("the files of %s are left at the provider: %v", batchCount(left), cause),
		Advice: "to remove them, run it again later or call baler doctor --sweep",
	})
}

// removeSome deletes the files of some batches, records which are gone, and
// counts the others.
func (c *cleaner) removeSome(ctx context.Context, some []keptBatch) (failed int, err error) {
	limited, cancel := context.WithTimeout(ctx, removeLimit)
	defer cancel()
	var (
		mu   sync.Mutex
		gone []string
		errs []error
	)
	var g errgroup.Group
	g.SetLimit(removeAtOnce)
	for _, b := range some {
		g.Go(func() error {
			err := c.removeBatch(limited, b)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
				if retry.ClassOf(err) != retry.Permanent {
					cancel()
				}
				return nil
			}
			gone = append(gone, b.tag)
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs
	if len(gone) > 0 {
		if err := c.batches.journal.Append(jobdir.Line{Removed: gone}); err != nil {
			return len(some), err
		}
		c.kept.drop(gone)
		c.notices.dirty.Store(true)
	}
	if len(errs) > 0 {
		return len(errs), errs[0]
	}
	return 0, nil
}

func (c *cleaner) removeBatch(ctx context.Context, b keptBatch) error {
	from, err := c.removerOf(ctx, &b)
	if err != nil {
		return err
	}
	if b.Handle != (sink.Handle{}) {
		if err := from.Remove(ctx, b.Handle); err != nil {
			return err
		}
	}
	for _, batch := range b.surplus {
		if err := from.Remove(ctx, sink.Handle{Batch: batch}); err != nil {
			return err
		}
	}
	return nil
}

// removerOf returns the service by which the files of a batch are removed: one
// of its account.
func (c *cleaner) removerOf(ctx context.Context, b *keptBatch) (*service, error) {
	route := c.batches.routes.get(b.route)
	for _, s := range c.services {
		if s.maySell(route) && c.accounts.same(s.info.Account, b.account) {
			return s, nil
		}
	}
	if c.batches.routes.ownOf(b.route) < 0 && route.Provider != "" && !route.Live {
		return nil, retry.Mark(fmt.Errorf("batch %s is in the account %s of %s, which was not asked", cmp.Or(b.Batch, b.tag), b.account, route.Provider), retry.Permanent)
	}
	if err := c.accounts.mustBeAccount(ctx, b.witness()); err != nil {
		return nil, err
	}
	return c.batches.routes.serviceOf(b.route), nil
}
