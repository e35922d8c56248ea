package durable

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
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
	ledger   *ledger
	canary   *canaryWatch
	primer   *primer

	followers *followers
	urgent    sync.Mutex // held while rows near their deadline are taken and put into batches
}

// load feeds a round with ready entries until the source has ended and there
// are none, or until the round has as many as a canary wants. Those near their
// deadline do not wait for others.
func (pk *packer) load(ctx, life context.Context, out chan<- []jobdir.Entry) error {
	most := pk.mostOfRound()
	for most > 0 {
		ended := pk.progress.ended() // before load, which might otherwise miss the last
		entries, err := pk.next(most)
		if err != nil {
			return pk.IfDamaged(jobdir.ReadyDir, err)
		}
		most -= unanswered(entries)
		some := len(entries) > 0
		if entries, err = pk.buyUrgent(ctx, life, entries); err != nil {
			return err
		}
		if some {
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
	return nil
}

// mostOfRound returns how many rows a round may have.
func (pk *packer) mostOfRound() int {
	if pk.canary.asks() {
		return pk.canary.left()
	}
	return math.MaxInt
}

// unanswered counts the entries that have no answer in the cache.
func unanswered(entries []jobdir.Entry) (n int) {
	for i := range entries {
		if entries[i].Hit == nil {
			n++
		}
	}
	return n
}

// next returns the next entries, at most so many, with their routes and their answers in the
// cache. Followers come when no other row waits.
func (pk *packer) next(most int) ([]jobdir.Entry, error) {
	chunk := ready.LoadChunk
	if pk.queue.sorted() {
		chunk = ready.SortedChunk
	}
	chunk = min(chunk, most)
	if rows := pk.ledger.goOn(chunk); len(rows) > 0 {
		return rows, nil
	}
	entries, err := pk.batches.ready.Load(chunk)
	if err == nil && len(entries) == 0 {
		return pk.followers.load()
	}
	if err == nil {
		err = pk.batches.routes.choose(entries)
	}
	if err == nil {
		err = pk.cache.mark(entries, pk.batches.routes.get)
	}
	pk.primer.mark(entries)
	return entries, err
}

// buy seals a batch, or several if its route takes only smaller ones, and
// starts their drivers. Drivers outlive the round: life is the context of the
// run.
func (pk *packer) buy(ctx, life context.Context, entries []jobdir.Entry, reason string) error {
	if entries[0].Hit != nil {
		var err error
		if entries, err = pk.driver.reuse(ctx, life, entries); err != nil {
			return err
		}
	}
	var rows []jobdir.Entry
	for rest := entries; len(rest) > 0; {
		tag := pk.TagOfJob()
		var err error
		if rest, err = pk.awaitSlot(ctx, life, tag, rest); err != nil || len(rest) == 0 {
			return err
		}
		rows, rest = pk.batches.routes.cut(rest) // now, as the limit may have changed
		if err := pk.batches.routes.moveFew(rows); err != nil {
			return err
		}
		rows, back, err := pk.batches.ready.Admit(tag, rows)
		if err != nil {
			return err
		}
		pk.batches.routes.giveBack(back)
		if len(rows) == 0 { // their tenants are at their limit
			pk.buyer.slots.release(tag)
			continue
		}
		aside := func(wait func() error) error { return pk.withoutSlot(ctx, tag, int(rows[0].Route), wait) }
		var beyond []jobdir.Entry
		rows, beyond, err = pk.ledger.admit(ctx, tag, rows, aside)
		if err != nil {
			return err
		}
		if len(beyond) > 0 {
			rest = slices.Concat(beyond, rest)
		}
		if len(rows) == 0 { // all of them are set aside
			pk.buyer.slots.release(tag)
			if err := pk.batches.ready.LetGo(tag); err != nil {
				return err
			}
			continue
		}
		switch err := pk.buyOne(ctx, life, tag, rows, pk.flush(rows, rest, reason)); {
		case errors.Is(err, errOutdated):
			rest = slices.Concat(rows, rest)
			if err := pk.batches.ready.LetGo(tag); err != nil {
				return err
			}
		case err != nil:
			return err
		}
	}
	return nil
}

// withoutSlot waits while another batch may have the slot of a batch: the
// others may need it to make room in the budget.
func (pk *packer) withoutSlot(ctx context.Context, tag string, route int, wait func() error) error {
	pk.buyer.slots.release(tag)
	if err := wait(); err != nil {
		return err
	}
	return pk.buyer.slots.acquire(ctx, tag, pk.batches.routes.isEscalation(route))
}

// errOutdated means that a batch waited until the next day, whose budget it has
// to fit into.
var errOutdated = errors.New("durable: the budget of another day counts")

// buyOne seals one batch, if the run may still buy. Once it has begun, it
// finishes even if ctx ends.
func (pk *packer) buyOne(ctx, life context.Context, tag string, rows []jobdir.Entry, flush *intent.Flush) error {
	if err := pk.gate.enter(ctx); err != nil {
		pk.ledger.release(tag)
		return err
	}
	defer pk.gate.leave()
	if pk.ledger.outdated(tag) {
		pk.ledger.release(tag)
		pk.buyer.slots.release(tag)
		return errOutdated
	}
	in, err := pk.batches.seal(context.WithoutCancel(ctx), pk.packed(intent.Intent{Tag: tag, State: intent.Sealed, Flush: flush, Prefix: rows[0].Prime}, rows), rows)
	if err != nil {
		return err
	}
	pk.progress.update(func(p *Progress) { p.InFlight++ })
	pk.ledger.opened(tag)
	pk.driver.spawn(life, in)
	return nil
}

// retire ends the waits of the resting drivers if all drivers of open batches are
// parked and nothing is left to do. From then on none resumes.
func (pk *packer) retire(nothingLeft func() bool) bool {
	pk.urgent.Lock() // no rows are between the ready log and a batch
	defer pk.urgent.Unlock()
	r := pk.resting
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end.Err() == nil && pk.progress.inFlight() == r.asleep && nothingLeft() {
		r.stop(errLeft)
	}
	return r.end.Err() != nil
}

// nothingLeft reports whether nothing waits to be bought or to be answered.
func (pk *packer) nothingLeft() bool {
	return !pk.batches.ready.Any() && !pk.ledger.mayGoOn() && pk.followers.nothingLeft()
}

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
		if first, err := pk.prime(ctx, life); err != nil || first {
			if err != nil {
				return err
			}
			continue
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
	load := func(ctx context.Context, out chan<- []jobdir.Entry) error { return pk.load(ctx, life, out) }
	rows := flow.FromFunc(p, load, flow.Name("load"))
	if !pk.queue.sorted() { // then what was loaded is in its final order
		rows = flow.Via(p, rows, queue.By(jobdir.Entry.Priority, queue.Config{Capacity: ready.LoadChunk}))
	}
	limits, weight := pk.weights()
	batches := flow.Via(p, rows, accumulator.By(pk.batches.batchKey, limits).WeighBy(weight))
	flow.To(p, batches, func(step context.Context, b accumulator.Batch[jobdir.Entry]) error {
		return pk.buy(step, life, b.Items, b.Reason.String())
	}, flow.Name("buy"))
	if err := p.Wait(); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return nil
}

// weights returns the limits of the accumulator, and what counts against its
// MaxWeight: the bytes of a row, or more if its tokens are a larger part of
// what a batch may have.
func (pk *packer) weights() (accumulator.Config, func(jobdir.Entry) int) {
	c, most := pk.batch, int(pk.maxTokens)*jobdir.BytesPerToken
	switch {
	case most == 0:
		return c, jobdir.Entry.Weight
	case c.MaxWeight == 0:
		c.MaxWeight = most
		return c, func(e jobdir.Entry) int { return e.Asked() }
	}
	ratio := float64(c.MaxWeight) / float64(most)
	return c, func(e jobdir.Entry) int { return max(e.Weight(), int(ratio*float64(e.Asked()))) }
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
		if open == 0 && pk.canary.asks() && pk.canary.left() == 0 {
			if err := pk.canary.judge(); err != nil {
				return false, err
			}
		}
		if open == 0 {
			pk.primer.ended()
		}
		held, err := pk.canary.holds(ctx)
		if err != nil {
			return false, err
		}
		switch ready := pk.batches.ready.Any() || pk.ledger.mayGoOn(); {
		case pk.readAll && !ended:
		case held: // a person decides
		case open > 0 && (pk.canary.asks() || pk.primer.waits): // what they answer decides, or fills the cache
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
