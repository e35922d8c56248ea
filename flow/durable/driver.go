package durable

import (
	"context"
	"errors"
	"fmt"

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
	ledger      *ledger

	drivers *errgroup.Group
}

// spawn starts the driver of an open batch. The driver holds a slot until the
// batch is settled or its results cannot be downloaded for now. One that fails,
// and ends the run, keeps it, so that no other batch is sealed meanwhile.
func (d *driver) spawn(ctx context.Context, in intent.Intent) {
	v := d.fetcher.evidences.of(in.Tag)
	v.freeSlot = func() { d.buyer.slots.release(in.Tag) }
	d.drivers.Go(func() error {
		defer d.fetcher.evidences.over(in.Tag)
		err := d.driveToEnd(ctx, &in)
		if err == nil {
			v.freeSlot()
		}
		return err
	})
}

// driveToEnd drives a batch until it is done or left to the next run. An error
// ends the run.
func (d *driver) driveToEnd(ctx context.Context, in *intent.Intent) error {
	if err := d.drive(ctx, in); errors.Is(err, errLeft) {
		return nil
	} else if err != nil {
		return d.survives(ctx, *in, err)
	}
	d.followers.note()
	d.progress.update(func(p *Progress) { p.InFlight-- })
	d.ledger.wake()
	d.changed.signal()
	return nil
}

// drive takes a batch from its current state to the end. Most batches wait for
// their turn to be polled for most of the time. They do that here, where the
// stack is small.
func (d *driver) drive(ctx context.Context, in *intent.Intent) (err error) {
	for d.show(in); !in.Done(); d.show(in) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		ready := true
		if in.Next() == intent.Poll {
			ready, err = d.watcher.await(ctx, in)
		}
		if ready {
			err = d.move(ctx, in)
		}
		if err != nil && !needsStep(err) {
			return err
		}
		if !d.batches.deadlines.has(in.Tag) {
			d.notices.clear(NoticeDeadline, in.Tag)
			d.notices.clear(NoticeLate, in.Tag)
		}
	}
	return nil
}

// show shows a batch to other processes.
func (d *driver) show(in *intent.Intent) {
	if d.openBatches.show(*in) && !in.Done() {
		d.notices.dirty.Store(true)
	}
}

// move takes a batch one step on.
func (d *driver) move(ctx context.Context, in *intent.Intent) (err error) {
	ctx = d.notices.observed(ctx, d.batches.serviceOf(*in), *in)
	if *in, err = d.step(ctx, *in); err == nil && d.openBatches.moved(*in) {
		d.notices.clear(NoticeWaiting, in.Tag)
		d.notices.moved()
	}
	return err
}

// needsStep reports whether a batch needs another step: it was cancelled,
// blocked, due or decided about while it waited.
func needsStep(err error) bool {
	return errors.Is(err, errCancelled) || errors.Is(err, errBlocked) || errors.Is(err, errDue) || errors.Is(err, errDecided)
}

func (d *driver) step(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	next := in.Next()
	if next == intent.Upload || next == intent.Create {
		switch {
		case d.gate.cancelled():
			return d.watcher.withdraw(ctx, in)
		case d.gate.spent.Err() != nil: // it is not bought in this run
			d.rooms.leave(in.Tag)
			return in, d.leave()
		case d.batches.escalated(in) && !in.InDoubt():
			return d.refusals.takeBack(ctx, in, newReason(retry.Retryable, "due", "its rows are near their deadline, and a route for that can take them"))
		case d.batches.routes.isOut(in.Route):
			return d.giveUp(ctx, in)
		}
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
		return d.find(ctx, in)
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

// giveUp takes back a batch that cannot be bought where it is to go. If no
// other route can take any of its rows, now or soon, it waits until its route
// is not paused any more, or for the next run.
func (d *driver) giveUp(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	entries, err := d.Entries(in.Tag, in.Rows)
	if err != nil {
		return in, err
	}
	if d.batches.routes.elsewhere(in, entries) {
		return d.refusals.takeBack(ctx, in, newReason(retry.Retryable, "route_out", "its route is out, and another can take its rows"))
	}
	at, later := d.batches.routes.elsewhereLater(in, entries)
	if !later && d.batches.serviceOf(in).blocked() != nil {
		d.rooms.leave(in.Tag)
		return in, d.leave()
	}
	return in, d.buyer.awaitHealth(ctx, in, at)
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
	return errLeft
}
