package durable

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

const (
	removeInterval = time.Hour // between two looks at what an endless run has delivered, at most
	removeAtOnce   = 4
	removeChunk    = 100         // batches whose removal is noted in one line of the journal
	removeLimit    = time.Minute // for that many; a run that is done waits no longer
)

// removeInput deletes what was uploaded for a batch and reports whether it is
// gone. The error is that of ctx: then the next process removes it.
func (e *engine) removeInput(ctx context.Context, in intent.Intent) (gone bool, _ error) {
	if in.File == "" || e.keepRemote == KeepForever || !e.isAccount(in.Account) {
		return false, nil // with the results, once it is known whose they are
	}
	err := e.provider.Remove(ctx, sink.Handle{File: in.File})
	if err != nil && ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if err != nil {
		e.log.WarnContext(ctx, "upload left at the provider", "tag", in.Tag, "error", err)
	}
	return err == nil, nil
}

// hasEnded reports whether nothing more is delivered.
func (e *engine) hasEnded() bool {
	return e.finished() || e.gate.cancelled() && e.inFlight() == 0
}

// due returns the batches whose files need not be kept any longer.
func (e *engine) due() []keptBatch {
	now, keep := e.now(), e.kept.keep
	ended := e.hasEnded()
	switch {
	case keep == KeepForever:
		return nil
	case ended && now.Before(e.kept.ended().Add(keep)):
		return nil
	case ended:
		return e.kept.list(now)
	case e.ended(): // soon the run has, too
		return nil
	case keep == 0:
		keep = keepDelivered
	}
	return e.kept.list(now.Add(-keep))
}

// removeDelivered removes from time to time what a run has delivered whose
// source does not end.
func (e *engine) removeDelivered(ctx context.Context) error {
	interval := removeInterval
	if e.kept.keep > 0 {
		interval = min(interval, max(e.kept.keep/4, time.Second))
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if !e.ended() && !e.gate.cancelled() {
			e.removeDue(ctx)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// removeDue deletes what is due at the provider. What fails is told and left to
// a later start or RemoveKept: it must not stop the run.
func (e *engine) removeDue(ctx context.Context) {
	var left int
	var cause error
	for due := e.due(); len(due) > 0; {
		some := due[:min(removeChunk, len(due))]
		due = due[len(some):]
		failed, err := e.removeSome(ctx, some)
		if ctx.Err() != nil {
			return
		}
		if left += failed; cause == nil {
			cause = err
		}
		if err != nil && retry.ClassOf(err) != retry.Permanent {
			left += len(due) // which would fare no better
			break
		}
	}
	if cause == nil {
		e.untell(NoticeStorage, "")
		return
	}
	e.tell(ctx, Notice{
		Kind: NoticeStorage, Text: fmt.Sprintf("the files of %d batches are left at the provider: %v", left, cause),
		Advice: "to remove them, run it again later or call baler doctor --sweep",
	})
}

// removeSome deletes the files of some batches, notes which are gone, and counts
// the others.
func (e *engine) removeSome(ctx context.Context, some []keptBatch) (failed int, err error) {
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
			err := e.removeBatch(limited, b)
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
		if err := e.journal.Append(jobdir.Line{Removed: gone}); err != nil {
			return len(some), err
		}
		e.kept.drop(gone)
		e.news.Store(true)
	}
	if len(errs) > 0 {
		return len(errs), errs[0]
	}
	return 0, nil
}

func (e *engine) removeBatch(ctx context.Context, b keptBatch) error {
	if err := e.mustBeAccount(ctx, b.witness()); err != nil {
		return err
	}
	if b.Handle != (sink.Handle{}) {
		if err := e.provider.Remove(ctx, b.Handle); err != nil {
			return err
		}
	}
	for _, batch := range b.surplus {
		if err := e.provider.Remove(ctx, sink.Handle{Batch: batch}); err != nil {
			return err
		}
	}
	return nil
}
