package durable

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/retry"
)

// run does the rest of the job.
func (e *engine) run(ctx context.Context, source rows) error {
	if err := e.cleaner.noteKeep(); err != nil {
		return err
	}
	if err := e.workOff(ctx, source); err != nil {
		return err
	}
	if err := e.blockage.cause(); err != nil && !e.progress.finished() {
		return err
	}
	if err := e.ledger.cause(); err != nil && !e.progress.finished() && !e.gate.cancelled() {
		return err
	}
	if err := e.fetcher.undecided(); err != nil {
		return err
	}
	e.cleaner.removeDue(ctx)
	return e.controller.cancellation()
}

// leftOpen is the tag of the notice that mayBeLeft raises.
const leftOpen = "left open"

// workOff settles everything that is not settled. It also finishes batches that
// are settled, if a crash has left them unfinished. For these it only removes
// files and second batches at the provider. An error there must not fail a run
// that has all its results.
func (e *engine) workOff(ctx context.Context, source rows) error {
	finished := e.progress.finished()
	if finished && len(e.open) == 0 {
		return nil
	}
	if err := e.batches.routes.mustKnowServices(e.open); err != nil {
		return err
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

// mayBeLeft reports whether an error of a run that has all its results comes
// from the provider or from the end of ctx. It raises a notice about the
// former.
func (e *engine) mayBeLeft(ctx context.Context, err error) bool {
	_, said := errors.AsType[*retry.Error](err)
	_, mismatch := errors.AsType[*MismatchError](err)
	switch {
	case ctx.Err() != nil:
		return true
	case !said && !mismatch:
		return false
	}
	e.notices.raise(ctx, Notice{
		Kind: NoticeStorage, Tag: leftOpen, Text: fmt.Sprintf("the files of %s are left at the provider: %v", batchCount(e.progress.inFlight()), err),
		Advice: "run it again later",
	})
	return true
}

// work settles all that it can. Meanwhile the controller watches the control
// file.
func (e *engine) work(ctx context.Context, source rows) error {
	return during(ctx, func(ctx context.Context) error {
		switch err := e.reachAndRead(ctx, source); {
		case errors.Is(err, errCancelled): // and nothing is open
			return nil
		case err != nil:
			return err
		}
		e.clock.compareClocks(ctx)
		return e.settleAll(ctx, source)
	}, e.controller.watch, e.cleaner.removeDelivered)
}

// reachAndRead waits until the providers answer. A job that reads all of its
// source before it buys reads it meanwhile, so that an item that cannot be used
// is told whether a provider answers or not.
func (e *engine) reachAndRead(ctx context.Context, source rows) error {
	if !e.readAll || !e.untouched() {
		return e.reach(ctx)
	}
	if err := e.batches.ready.Fill(); err != nil {
		return e.IfDamaged(jobdir.ReadyDir, err)
	}
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error { return e.reach(ctx) })
	both.Go(func() error {
		wanted, stop := e.gate.untilBuyingEnds(ctx)
		defer stop()
		err := e.intake.ingest(wanted, source)
		if errors.Is(err, errBlocked) {
			return nil // which reach tells
		}
		return err
	})
	return both.Wait()
}

// during calls do, and the others beside it until it has returned.
func during(ctx context.Context, do func(context.Context) error, others ...func(context.Context) error) error {
	g, ctx := errgroup.WithContext(ctx)
	beside, done := context.WithCancel(ctx)
	for _, other := range others {
		g.Go(func() error { return other(beside) })
	}
	g.Go(func() error {
		defer done()
		return do(ctx)
	})
	return g.Wait()
}

// settleAll reads the source, drives open batches and makes new ones, until
// nothing is left or something fails. In a cancelled run it only drives the
// open batches.
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

// take reads the source and buys batches of its rows, as long as the run is not
// cancelled and its account is not blocked.
func (e *engine) take(ctx context.Context, source rows) error {
	if e.gate.cancelled() {
		return nil
	}
	if err := e.batches.ready.Fill(); err != nil {
		return e.IfDamaged(jobdir.ReadyDir, err)
	}
	wanted, stop := e.gate.untilBuyingEnds(ctx)
	defer stop()
	both, wanted := errgroup.WithContext(wanted)
	both.Go(func() error { return e.intake.ingest(wanted, source) })
	both.Go(func() error { return e.packer.run(wanted, ctx) })
	if err := both.Wait(); !errors.Is(err, errCancelled) && !errors.Is(err, errBlocked) {
		return err
	}
	return nil
}
