package durable

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/ready"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
)

// load feeds a round with ready entries until the source has ended and there
// are none.
func (e *engine) load(ctx context.Context, out chan<- []jobdir.Entry) error {
	for {
		ended := e.ended() // before load, which might otherwise miss the last
		entries, err := e.ready.Load(ready.LoadChunk)
		if err != nil {
			return e.IfDamaged(jobdir.ReadyDir, err)
		}
		if err := e.cache.mark(entries); err != nil {
			return err
		}
		if len(entries) > 0 {
			if err := flow.Send(ctx, out, entries); err != nil {
				return err
			}
			continue
		}
		if ended {
			return nil
		}
		select {
		case <-e.changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// buy seals a batch, or several if its lane takes only smaller ones, and starts
// their drivers, which outlive the round: life is the context of the run.
func (e *engine) buy(ctx, life context.Context, b accumulator.Batch[jobdir.Entry]) error {
	entries := b.Items
	if entries[0].Hit != nil {
		var err error
		if entries, err = e.reuse(ctx, life, entries); err != nil {
			return err
		}
	}
	var rows []jobdir.Entry
	for rest := entries; len(rest) > 0; {
		if err := acquire(ctx, e.slots); err != nil {
			return err
		}
		rows, rest = e.lanes.cut(rest) // now, as the limit may have changed
		if err := e.buyOne(ctx, life, rows); err != nil {
			return err
		}
	}
	return nil
}

// buyOne seals one batch, if the run still wants any, and to the end once it
// has begun.
func (e *engine) buyOne(ctx, life context.Context, rows []jobdir.Entry) error {
	if err := e.gate.enter(ctx); err != nil {
		return err
	}
	defer e.gate.leave()
	in, err := e.seal(context.WithoutCancel(ctx), intent.Intent{Tag: e.TagOfJob(), State: intent.Sealed}, rows)
	if err != nil {
		return err
	}
	e.tally.update(func(p *Progress) { p.InFlight++ })
	e.spawn(life, in)
	return nil
}

// seal makes a batch of entries, of which the intent says all else, durable: the
// file of its rows, then the intent in the journal, which claims them, then the
// store's record and the heads. From the journal on, a restart finishes it.
func (e *engine) seal(ctx context.Context, in intent.Intent, entries []jobdir.Entry) (intent.Intent, error) {
	in.Rev, in.Route, in.Rows = 1, int(entries[0].Route), len(entries)
	if err := e.WriteManifest(in.Tag, entries, e.lanes.get(in.Route)); err != nil {
		return in, err
	}
	spans := jobdir.ClaimSpans(entries)
	if err := e.journal.Append(jobdir.Line{Intent: &in, Claims: spans}); err != nil {
		return in, err
	}
	e.ready.Pin(in.Tag, spans)
	ops, err := e.ready.Claim(entries)
	if err != nil {
		return in, err
	}
	op, err := e.record(in)
	if err != nil {
		return in, err
	}
	return in, e.store.Commit(ctx, append(ops, op)...)
}

// record returns the op that stores an intent.
func (e *engine) record(in intent.Intent) (state.Op, error) { return jobdir.IntentOp(e.Keys, in) }

// advance applies an event and makes the new state durable, in the journal
// first. It does so even if ctx is done: what happened must not be forgotten.
func (e *engine) advance(ctx context.Context, in intent.Intent, ev intent.Event) (intent.Intent, error) {
	next, err := intent.Apply(in, ev)
	if err != nil || next.Rev == in.Rev {
		return in, err
	}
	if err := e.journal.Append(jobdir.Line{Intent: &next}); err != nil {
		return in, err
	}
	op, err := e.record(next)
	if err != nil {
		return in, err
	}
	if err := e.store.Commit(context.WithoutCancel(ctx), op); err != nil {
		return in, err
	}
	e.owners.note(next)
	if next.Done() {
		e.ready.Unpin(next.Tag)
	}
	e.tally.doubt(in, next)
	e.tally.count(in, next)
	if !atProvider(next) && (atProvider(in) || next.State != intent.Uploaded) {
		e.throttles.leave(next)
	}
	e.log.DebugContext(ctx, "batch", "tag", next.Tag, "state", next.State, "batch", next.Batch, "rows", next.Rows)
	return next, nil
}

// spawn starts the driver of an open batch, which holds a slot until the batch is
// settled, or its results are not to be had.
func (e *engine) spawn(ctx context.Context, in intent.Intent) {
	v := e.evidences.of(in.Tag)
	v.freeSlot = sync.OnceFunc(e.leaveSlot)
	e.drivers.Go(func() error {
		defer e.evidences.over(in.Tag)
		defer v.freeSlot()
		if err := e.drive(ctx, in); errors.Is(err, errLeft) {
			return nil
		} else if err != nil {
			return err
		}
		e.tally.update(func(p *Progress) { p.InFlight-- })
		e.signal()
		return nil
	})
}

// drive takes a batch from where it stands to its end.
func (e *engine) drive(ctx context.Context, in intent.Intent) (err error) {
	for !in.Done() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if e.board.show(in) {
			e.news.Store(true)
		}
		// Cancelled or blocked while it waited, the batch needs another step.
		if in, err = e.step(e.observed(ctx, in), in); err != nil && !errors.Is(err, errCancelled) && !errors.Is(err, errBlocked) {
			return err
		}
		if err == nil && e.board.moved(in) {
			e.untell(NoticeWaiting, in.Tag)
			e.moved()
		}
	}
	e.board.show(in)
	return nil
}

func (e *engine) step(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	next := in.Next()
	if e.gate.cancelled() {
		switch next { //nolint:exhaustive // all else goes on as it would
		case intent.Upload, intent.Create:
			return e.withdraw(ctx, in)
		case intent.Poll:
			return e.stop(ctx, in)
		}
	}
	if e.gate.blocked() != nil && (next == intent.Upload || next == intent.Create) {
		return in, e.leave()
	}
	switch next {
	case intent.Upload:
		return e.upload(ctx, in)
	case intent.Create:
		return e.create(ctx, in)
	case intent.Doubt:
		e.tellUnclear(ctx, in, "the process that asked for it ended")
		return e.advance(ctx, in, intent.Unclear{Now: e.now()})
	case intent.Find:
		return e.find(ctx, in)
	case intent.Cancel:
		return e.cancel(ctx, in)
	case intent.Poll:
		return e.poll(ctx, in)
	case intent.Prove:
		return e.prove(ctx, in)
	case intent.Fetch:
		return e.fetch(ctx, in)
	case intent.Settle:
		return e.settle(ctx, in)
	case intent.Release:
		return e.release(ctx, in)
	case intent.Clean:
		return e.clean(ctx, in)
	case intent.Nothing:
	}
	return in, fmt.Errorf("durable: batch %s: nothing to do in state %s", in.Tag, in.State)
}
