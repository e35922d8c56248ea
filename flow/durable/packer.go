package durable

import (
	"context"
	"fmt"
	"time"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/ready"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/queue"
)

// packer makes batches of what is ready.
type packer struct {
	*config
	*jobdir.Dir
	gate     *gate
	changed  wakeup
	progress *progress
	batches  *batches
	cache    *cache
	buyer    *buyer
	driver   *driver
	resting  *restingDrivers

	followers *followers
}

// load feeds a round with ready entries until the source has ended and there
// are none.
func (pk *packer) load(ctx context.Context, out chan<- []jobdir.Entry) error {
	for {
		ended := pk.progress.ended() // before load, which might otherwise miss the last
		entries, err := pk.next()
		if err != nil {
			return pk.IfDamaged(jobdir.ReadyDir, err)
		}
		if len(entries) > 0 {
			if err := flow.Send(ctx, out, entries); err != nil {
				return err
			}
			continue
		}
		begun, later := pk.followers.due()
		switch {
		case begun:
			continue
		case ended:
			return nil
		}
		select {
		case <-pk.changed:
		case <-later:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// next returns the next entries, with their routes and their answers in the
// cache. Followers come when no other row waits.
func (pk *packer) next() ([]jobdir.Entry, error) {
	entries, err := pk.batches.ready.Load(ready.LoadChunk)
	if err == nil && len(entries) == 0 {
		return pk.followers.load()
	}
	if err == nil {
		err = pk.batches.routes.choose(entries)
	}
	if err == nil {
		err = pk.cache.mark(entries, pk.batches.routes.get)
	}
	return entries, err
}

// buy seals a batch, or several if its route takes only smaller ones, and
// starts their drivers. Drivers outlive the round: life is the context of the
// run.
func (pk *packer) buy(ctx, life context.Context, b accumulator.Batch[jobdir.Entry]) error {
	entries := b.Items
	if entries[0].Hit != nil {
		var err error
		if entries, err = pk.driver.reuse(ctx, life, entries); err != nil {
			return err
		}
	}
	var rows []jobdir.Entry
	for rest := entries; len(rest) > 0; {
		if err := acquire(ctx, pk.buyer.slots); err != nil {
			return err
		}
		rows, rest = pk.batches.routes.cut(rest) // now, as the limit may have changed
		if err := pk.buyOne(ctx, life, rows); err != nil {
			return err
		}
	}
	return nil
}

// buyOne seals one batch, if the run may still buy. Once it has begun, it
// finishes even if ctx ends.
func (pk *packer) buyOne(ctx, life context.Context, rows []jobdir.Entry) error {
	if err := pk.gate.enter(ctx); err != nil {
		return err
	}
	defer pk.gate.leave()
	in, err := pk.batches.seal(context.WithoutCancel(ctx), intent.Intent{Tag: pk.TagOfJob(), State: intent.Sealed}, rows)
	if err != nil {
		return err
	}
	pk.progress.update(func(p *Progress) { p.InFlight++ })
	pk.driver.spawn(life, in)
	return nil
}

// retire closes the resting drivers' end if all drivers of open batches are
// parked and nothing is left to do. From then on none resumes.
func (pk *packer) retire(nothingLeft func() bool) bool {
	r := pk.resting
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over && pk.progress.inFlight() == r.asleep && nothingLeft() {
		r.over = true
		close(r.end)
	}
	return r.over
}

// nothingLeft reports whether nothing waits to be bought or to be answered.
func (pk *packer) nothingLeft() bool { return !pk.batches.ready.Any() && pk.followers.nothingLeft() }

// retired waits until the drivers have nothing left to do.
func (pk *packer) retired(ctx context.Context) error {
	for !pk.retire(func() bool { return true }) {
		select {
		case <-pk.changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// rounds makes batches of ready rows whenever there are some. The drivers of
// the batches run as long as life.
func (pk *packer) rounds(ctx, life context.Context) error {
	for {
		more, err := pk.await(ctx)
		if err != nil || !more {
			return err
		}
		if err := pk.round(ctx, life); err != nil {
			return err
		}
	}
}

// round makes batches until the source has ended and nothing is ready. What
// the accumulator still holds then leaves with it.
func (pk *packer) round(ctx, life context.Context) error {
	p := flow.New(ctx)
	rows := flow.FromFunc(p, pk.load, flow.Name("load"))
	urgent := flow.Via(p, rows, queue.By(jobdir.Entry.Priority, queue.Config{Capacity: ready.LoadChunk}))
	batches := flow.Via(p, urgent, accumulator.By(jobdir.Entry.RouteKey, pk.batch).WeighBy(jobdir.Entry.Weight))
	flow.To(p, batches, func(step context.Context, b accumulator.Batch[jobdir.Entry]) error {
		return pk.buy(step, life, b)
	}, flow.Name("buy"))
	if err := p.Wait(); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return nil
}

// await returns true when a round is worthwhile. Rows must be ready. If they
// are only a few retries while open batches may yet add more, they wait for
// others. A batch that waits for a person adds none. Without ready rows, a
// round is for followers.
func (pk *packer) await(ctx context.Context) (more bool, err error) {
	linger, lingers := time.NewTimer(pk.batch.MaxWait), false
	linger.Stop() // until something is ready that may wait
	defer linger.Stop()
	for {
		var later <-chan time.Time
		ended, open := pk.progress.ended(), pk.progress.inFlight()-pk.resting.parked()
		switch ready := pk.batches.ready.Any(); {
		case pk.readAll && !ended:
		case ready && (open == 0 || !ended):
			return true, nil
		case ready && !lingers:
			lingers = true
			linger.Reset(pk.batch.MaxWait)
		case !ready && ended && open == 0 && pk.followers.last():
			return true, nil
		case !ready && ended && open == 0 && pk.retire(pk.nothingLeft):
			return false, nil
		default:
			var begun bool
			if begun, later = pk.followers.due(); begun {
				return true, nil
			}
		}
		select {
		case <-pk.changed:
		case <-later:
		case <-linger.C:
			return true, nil
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}
