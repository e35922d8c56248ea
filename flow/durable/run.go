package durable

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/balerhq/baler/retry"
)

// run does what is left to do.
func (e *engine) run(ctx context.Context, source rows) error {
	if err := e.cleaner.noteKeep(); err != nil {
		return err
	}
	if err := e.workOff(ctx, source); err != nil {
		return err
	}
	if err := e.gate.blocked(); err != nil && !e.progress.finished() {
		return err
	}
	if err := e.fetcher.undecided(); err != nil {
		return err
	}
	e.cleaner.removeDue(ctx)
	return e.controller.cancellation()
}

// leftOpen is by what the notice of workOff is known.
const leftOpen = "left open"

// workOff settles what is not settled, and finishes what a crash has left of
// batches that are. The latter needs no more of the provider than to be rid of
// files and second batches, which must not spoil a run that has all its results.
func (e *engine) workOff(ctx context.Context, source rows) error {
	finished := e.progress.finished()
	if finished && len(e.open) == 0 {
		return nil
	}
	e.clock.askTime(ctx)
	if err := e.controller.applyControl(); err != nil { // before anything is bought
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
	e.notices.tell(ctx, Notice{
		Kind: NoticeStorage, Tag: leftOpen, Text: fmt.Sprintf("what the provider has of %d batches is left there: %v", e.progress.inFlight(), err),
		Advice: "run it again later",
	})
	return true
}

// work settles all that it can, and keeps watch meanwhile.
func (e *engine) work(ctx context.Context, source rows) error {
	g, ctx := errgroup.WithContext(ctx)
	watched, done := context.WithCancel(ctx)
	g.Go(func() error { return e.controller.watch(watched) })
	g.Go(func() error { return e.cleaner.removeDelivered(watched) })
	g.Go(func() error {
		defer done()
		switch err := e.reach(ctx); {
		case errors.Is(err, errCancelled): // and nothing is open
			return nil
		case err != nil:
			return err
		}
		e.clock.compareClocks(ctx)
		return e.settleAll(ctx, source)
	})
	return g.Wait()
}

// settleAll reads the source, drives open batches and makes new ones, until
// nothing is left or something fails. Of a cancelled run it drives what is open.
func (e *engine) settleAll(ctx context.Context, source rows) error {
	g, ctx := errgroup.WithContext(ctx)
	e.driver.drivers = g
	defer e.calls.polls.start(ctx)()
	if err := e.adopter.mustBeNewest(ctx); err != nil && !errors.Is(err, errCancelled) {
		return err
	}
	for _, in := range e.open {
		e.driver.spawn(ctx, in)
	}
	g.Go(func() error {
		if err := e.take(ctx, source); err != nil {
			return err
		}
		return e.packer.retired(ctx)
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
	both.Go(func() error { return e.intake.ingest(wanted, source) })
	both.Go(func() error { return e.packer.rounds(wanted, ctx) })
	if err := both.Wait(); !errors.Is(err, errCancelled) && !errors.Is(err, errBlocked) {
		return err
	}
	return nil
}
