package durable

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
)

// driver takes batches from their current state to the end.
type driver struct {
	*config
	*jobdir.Dir
	gate        *gate
	openBatches *openBatches
	changed     wakeup
	clock       *clock
	notices     *notices
	progress    *progress
	batches     *batches
	cleaner     *cleaner
	finder      *finder
	buyer       *buyer
	watcher     *watcher
	fetcher     *fetcher
	settler     *settler
	refusals    *refusals
	blockage    *blockage
	resting     *restingDrivers
	anomalies   *anomalies
	followers   *followers

	drivers *errgroup.Group
}

// spawn starts the driver of an open batch. The driver holds a slot until the
// batch is settled or its results cannot be downloaded for now.
func (d *driver) spawn(ctx context.Context, in intent.Intent) {
	v := d.fetcher.evidences.of(in.Tag)
	v.freeSlot = sync.OnceFunc(d.buyer.releaseSlot)
	d.drivers.Go(func() error {
		defer d.fetcher.evidences.over(in.Tag)
		defer v.freeSlot()
		if err := d.drive(ctx, in); errors.Is(err, errLeft) {
			return nil
		} else if err != nil {
			return d.survives(ctx, in, err)
		}
		d.followers.note()
		d.progress.update(func(p *Progress) { p.InFlight-- })
		d.changed.signal()
		return nil
	})
}

// drive takes a batch from its current state to the end.
func (d *driver) drive(ctx context.Context, in intent.Intent) (err error) {
	for !in.Done() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if d.openBatches.show(in) {
			d.notices.dirty.Store(true)
		}
		// Cancelled or blocked while it waited, the batch needs another step.
		if in, err = d.step(d.notices.observed(ctx, d.batches.serviceOf(in), in), in); err != nil && !errors.Is(err, errCancelled) && !errors.Is(err, errBlocked) {
			return err
		}
		if err == nil && d.openBatches.moved(in) {
			d.notices.clear(NoticeWaiting, in.Tag)
			d.notices.moved()
		}
	}
	d.openBatches.show(in)
	return nil
}

func (d *driver) step(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	next := in.Next()
	if d.gate.cancelled() {
		switch next { //nolint:exhaustive // all else goes on as it would
		case intent.Upload, intent.Create:
			return d.watcher.withdraw(ctx, in)
		case intent.Poll:
			return d.watcher.stop(ctx, in)
		}
	}
	if (next == intent.Upload || next == intent.Create) && d.batches.serviceOf(in).blocked() != nil {
		if d.batches.routes.elsewhere(in) {
			return d.refusals.takeBack(ctx, in)
		}
		return in, d.leave()
	}
	switch next {
	case intent.Upload:
		return d.buyer.upload(ctx, in)
	case intent.Create:
		return d.buyer.create(ctx, in)
	case intent.Doubt:
		d.finder.raiseUnclear(ctx, in, "the process that asked for it ended")
		return d.batches.advance(ctx, in, intent.Unclear{Now: d.clock.now()})
	case intent.Find:
		if d.buyer.repeats(in) {
			return d.buyer.repeat(ctx, in)
		}
		return d.finder.find(ctx, in)
	case intent.Cancel:
		return d.finder.cancel(ctx, in)
	case intent.Poll:
		return d.watcher.poll(ctx, in)
	case intent.Prove:
		return d.finder.prove(ctx, in)
	case intent.Fetch:
		return d.fetcher.fetch(ctx, in)
	case intent.Settle:
		return d.settler.settle(ctx, in)
	case intent.Release:
		return d.settler.release(ctx, in)
	case intent.Clean:
		return d.cleaner.clean(ctx, in)
	case intent.Nothing:
	}
	return in, fmt.Errorf("durable: batch %s: nothing to do in state %s", in.Tag, in.State)
}

// survives parks the driver of a batch whose account is blocked for calls about
// what was bought, too, if the run has other accounts. Otherwise it returns the
// error, which ends the run.
func (d *driver) survives(ctx context.Context, in intent.Intent, err error) error {
	if ctx.Err() != nil || retry.ClassOf(err) != retry.Blocked || len(d.services) == 1 {
		return err
	}
	d.blockage.blockService(ctx, d.batches.serviceOf(in), in.Tag, err)
	if !d.blockage.others() {
		return err
	}
	_ = d.leave()
	return nil
}

// leave parks a driver for good: its batch is left to the next run.
func (d *driver) leave() error {
	d.resting.park()
	d.changed.signal()
	return errLeft
}
