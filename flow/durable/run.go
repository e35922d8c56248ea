package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/ready"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/retry"
)

// run does what is left to do.
func (e *engine) run(ctx context.Context, source rows) error {
	if err := e.noteKeep(); err != nil {
		return err
	}
	if err := e.workOff(ctx, source); err != nil {
		return err
	}
	if err := e.gate.blocked(); err != nil && !e.finished() {
		return err
	}
	if err := e.undecided(); err != nil {
		return err
	}
	e.removeDue(ctx)
	return e.cancellation()
}

// leftOpen is by what the notice of workOff is known.
const leftOpen = "left open"

// workOff settles what is not settled, and finishes what a crash has left of
// batches that are. The latter needs no more of the provider than to be rid of
// files and second batches, which must not spoil a run that has all its results.
func (e *engine) workOff(ctx context.Context, source rows) error {
	finished := e.finished()
	if finished && len(e.open) == 0 {
		return nil
	}
	e.askTime(ctx)
	if err := e.obey(); err != nil { // before anything is bought
		return err
	}
	if e.gate.cancelled() && len(e.open) == 0 {
		return nil
	}
	err := e.work(ctx, source)
	if finished && e.mayBeLeft(ctx, err) {
		return nil
	}
	return err
}

// mayBeLeft reports whether an error of a run that has all its results is one of
// the provider, or of the end of ctx. It tells of the former.
func (e *engine) mayBeLeft(ctx context.Context, err error) bool {
	_, said := errors.AsType[*retry.Error](err)
	_, mismatch := errors.AsType[*MismatchError](err)
	switch {
	case ctx.Err() != nil:
		return true
	case !said && !mismatch:
		return false
	}
	e.tell(ctx, Notice{
		Kind: NoticeStorage, Tag: leftOpen, Text: fmt.Sprintf("what the provider has of %d batches is left there: %v", e.inFlight(), err),
		Advice: "run it again later",
	})
	return true
}

// cancellation is how a run ends that is cancelled and not finished.
func (e *engine) cancellation() error {
	if e.finished() || !e.gate.cancelled() {
		return nil
	}
	p := e.tally.progress()
	return &CancelledError{Name: e.name, Reason: CancelReason(e.control.Reason), At: e.control.At, Rows: p.Rows - p.Settled()}
}

// work settles all that it can, and keeps watch meanwhile.
func (e *engine) work(ctx context.Context, source rows) error {
	g, ctx := errgroup.WithContext(ctx)
	watched, done := context.WithCancel(ctx)
	g.Go(func() error { return e.watch(watched) })
	g.Go(func() error { return e.removeDelivered(watched) })
	g.Go(func() error {
		defer done()
		switch err := e.reach(ctx); {
		case errors.Is(err, errCancelled): // and nothing is open
			return nil
		case err != nil:
			return err
		}
		e.compareClocks(ctx)
		return e.settleAll(ctx, source)
	})
	return g.Wait()
}

// settleAll reads the source, drives open batches and makes new ones, until
// nothing is left or something fails. Of a cancelled run it drives what is open.
func (e *engine) settleAll(ctx context.Context, source rows) error {
	g, ctx := errgroup.WithContext(ctx)
	e.drivers = g
	defer e.polls.start(ctx)()
	if err := e.mustBeNewest(ctx); err != nil && !errors.Is(err, errCancelled) {
		return err
	}
	for _, in := range e.open {
		e.spawn(ctx, in)
	}
	g.Go(func() error {
		if err := e.take(ctx, source); err != nil {
			return err
		}
		return e.retired(ctx)
	})
	return g.Wait()
}

// take reads the source and buys what it yields, as long as the run is wanted and
// its account is not blocked.
func (e *engine) take(ctx context.Context, source rows) error {
	if e.gate.cancelled() {
		return nil
	}
	wanted, stop := e.gate.whileWanted(ctx)
	defer stop()
	both, wanted := errgroup.WithContext(wanted)
	both.Go(func() error { return e.ingest(wanted, source) })
	both.Go(func() error { return e.rounds(wanted, ctx) })
	if err := both.Wait(); !errors.Is(err, errCancelled) && !errors.Is(err, errBlocked) {
		return err
	}
	return nil
}

// rounds makes batches of what is ready, as often as something is. Their
// drivers run as long as life.
func (e *engine) rounds(ctx, life context.Context) error {
	for {
		more, err := e.await(ctx)
		if err != nil || !more {
			return err
		}
		if err := e.round(ctx, life); err != nil {
			return err
		}
	}
}

// round makes batches until the source has ended and nothing is ready. What
// the accumulator still holds then leaves with it.
func (e *engine) round(ctx, life context.Context) error {
	p := flow.New(ctx)
	rows := flow.FromFunc(p, e.load, flow.Name("load"))
	urgent := flow.Via(p, rows, queue.By(jobdir.Entry.Priority, queue.Config{Capacity: ready.LoadChunk}))
	batches := flow.Via(p, urgent, accumulator.By(jobdir.Entry.RouteKey, e.batch).WeighBy(jobdir.Entry.Weight))
	flow.To(p, batches, func(step context.Context, b accumulator.Batch[jobdir.Entry]) error {
		return e.buy(step, life, b)
	}, flow.Name("buy"))
	if err := p.Wait(); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return nil
}

// await returns true when a round is worth its while: something is ready, and
// it is not just a few items that go again while open batches may yet add more.
// A batch that waits for a person adds none.
func (e *engine) await(ctx context.Context) (more bool, err error) {
	linger, lingers := time.NewTimer(e.batch.MaxWait), false
	linger.Stop() // until something is ready that may wait
	defer linger.Stop()
	for {
		ended, open := e.ended(), e.inFlight()-e.rest.sleepers()
		switch ready := e.ready.Any(); {
		case e.readAll && !ended:
		case ready && (open == 0 || !ended):
			return true, nil
		case ready && !lingers:
			lingers = true
			linger.Reset(e.batch.MaxWait)
		case !ready && ended && open == 0 && e.retire(func() bool { return !e.ready.Any() }):
			return false, nil
		}
		select {
		case <-e.changed:
		case <-linger.C:
			return true, nil
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}
