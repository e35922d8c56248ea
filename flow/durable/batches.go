package durable

import (
	"context"
	"errors"
	"fmt"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/ready"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/journal"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// batches records each change of a job's batches, in the journal first and then
// in the store.
type batches struct {
	*config
	*jobdir.Dir
	journal     *journal.Journal
	requests    *segment.Log
	ready       *ready.Log
	targets     *targets
	routes      *routes
	batchOwners *purchase.Owners
	throttles   *throttles
	creations   creations
	progress    *progress
	deadlines   *deadlines
	ledger      *ledger
	stored      *stored
	unsent      unsent
}

// seal makes a batch of entries durable. The intent holds everything else about
// the batch. First the manifest is written. Then the intent goes to the
// journal, which claims the rows. Then the store follows with its record and
// the heads. Once the journal has the intent, a restart finishes the rest.
func (b *batches) seal(ctx context.Context, in intent.Intent, entries []jobdir.Entry) (intent.Intent, error) {
	in.Rev, in.Route, in.Rows, in.Tokens = 1, int(entries[0].Route), len(entries), tokensOf(entries)
	shares := b.ledger.fill(&in)
	if err := b.WriteManifest(in.Tag, entries, b.routes.get(in.Route), b.targets.get); err != nil {
		return in, err
	}
	spans := jobdir.ClaimSpans(entries)
	if err := b.journal.Append(jobdir.Line{Intent: &in, Claims: spans, Shares: shares}); err != nil {
		return in, err
	}
	b.ready.Pin(in.Tag, spans)
	b.ready.Hold(in.Tag, entries, false)
	ops, err := b.ready.Claim(entries)
	if err != nil {
		return in, err
	}
	op, err := b.record(in)
	if err != nil {
		return in, err
	}
	b.routes.load.sealed(b.routes.ownOf(in.Route), in.Tag, entries)
	b.noteDeadlines(in, entries)
	if err := b.store.Commit(ctx, append(ops, op)...); err != nil {
		return in, err
	}
	if in.State == intent.Sealed {
		b.unsent.add(in.Tag)
	}
	b.callbacks.reportEvent(b.batchEvent(intent.Intent{}, in))
	return in, nil
}

// record returns the op that stores an intent.
func (b *batches) record(in intent.Intent) (state.Op, error) { return jobdir.IntentOp(b.Keys, in) }

// advance applies an event and makes the new state durable, in the journal
// first. It does so even if ctx is done, because what happened must not be
// lost.
func (b *batches) advance(ctx context.Context, in intent.Intent, ev intent.Event) (intent.Intent, error) {
	next, err := intent.Apply(in, ev)
	if err != nil || next.Rev == in.Rev {
		return in, err
	}
	if err := b.journal.Append(jobdir.Line{Intent: &next}); err != nil {
		return in, err
	}
	if jobdir.IsIndexed(in, next) {
		op, err := b.record(next)
		if err != nil {
			return in, err
		}
		if err := b.store.Commit(context.WithoutCancel(ctx), op); err != nil {
			return in, err
		}
	}
	b.batchOwners.Note(next)
	b.deadlines.moved(next)
	switch {
	case next.Done():
		b.unsent.take(next.Tag)
		err = b.ready.Unpin(next.Tag)
	case next.Freed && !in.Freed:
		err = b.ready.LetGo(next.Tag)
	}
	if err != nil {
		return in, err
	}
	b.routes.load.moved(in, next, b.throttles.now())
	b.progress.doubt(in, next)
	b.progress.count(in, next)
	if !atProvider(next) && (atProvider(in) || next.State != intent.Uploaded) {
		b.throttles.leave(next)
	}
	if endedWell(in, next) {
		b.throttles.widen(next)
	}
	b.ledger.took(in, next)
	b.callbacks.reportEvent(b.batchEvent(in, next))
	b.rooms.moved(in, next) // after the event: that of the batch that gets the room comes later
	b.log.DebugContext(ctx, "batch", "tag", next.Tag, "state", next.State, "batch", next.Batch, "rows", next.Rows)
	return next, nil
}

// routed returns an entry with its route.
func (b *batches) routed(e jobdir.Entry) (jobdir.Entry, error) {
	one := []jobdir.Entry{e}
	err := b.routes.choose(one)
	return one[0], err
}

// endedWell reports whether a batch has ended and was neither refused nor given
// up.
func endedWell(was, in intent.Intent) bool {
	return was.State == intent.Submitted && in.State == intent.Ended && in.Reason == nil
}

// atProvider reports whether the provider may have a batch that has not ended.
func atProvider(in intent.Intent) bool {
	switch in.State { //nolint:exhaustive // in all others it has none
	case intent.Creating, intent.Unknown, intent.Held, intent.Submitted:
		return true
	}
	return false
}

// errEncode means that a codec does not take a request which was kept. It says
// nothing about the other rows, so it ends the run before the batch is bought.
var errEncode = errors.New("durable: a request cannot be encoded for its route")

// payload returns the requests of a batch as the provider gets them, to be
// closed.
func (b *batches) payload(in intent.Intent) *encodedRows {
	return &encodedRows{encode: b.encode(in), spill: func() (*rowFile, error) {
		if err := b.store.FreeSpace(); err != nil {
			return nil, err
		}
		return newRowFile(b.Dir, in.Tag)
	}}
}

// encode yields the requests of a batch. They are encoded now, by the codec of
// the batch's route, and the same each time.
func (b *batches) encode(in intent.Intent) sink.Rows {
	route, codec := b.routes.get(in.Route), b.serviceOf(in).info.Codec
	return func(yield func(sink.Row, error) bool) {
		r := b.requests.NewReader()
		defer r.Close()
		references := b.stored.references(in)
		var requests []jobdir.Request
		for rows, err := range b.Requests(in) {
			if err != nil {
				yield(sink.Row{}, err)
				return
			}
			requests = requests[:0]
			for i := range rows {
				request, err := jobdir.ReadRequest(r, &rows[i])
				if err == nil {
					if err := b.FillBut(&request, references); err != nil {
						yield(sink.Row{}, err)
						return
					}
				}
				if err != nil {
					yield(sink.Row{}, b.Damaged(jobdir.RequestDir, err))
					return
				}
				if in.Prefix != 0 && rows[i].Extra().Prefix != 0 {
					request = request.MarkPrefix(codec, rows[i].Turns())
				}
				requests = append(requests, request)
			}
			id := jobdir.RequestHash(rows)
			body, err := jobdir.EncodeRequest(requests, id, codec, route)
			if err != nil {
				yield(sink.Row{}, retry.Mark(fmt.Errorf("%w: line %d: %w", errEncode, rows[0].Line, err), retry.Permanent))
				return
			}
			if !yield(sink.Row{ID: jobdir.RowID(in.Tag, id), Body: body}, nil) {
				return
			}
		}
	}
}

func (b *batches) routeName(in intent.Intent) string {
	l := b.routes.get(in.Route)
	return fmt.Sprintf("%s, model %q", l.Endpoint, l.Model)
}

func (b *batches) spec(in intent.Intent) sink.Spec {
	l := b.routes.get(in.Route)
	return sink.Spec{Tag: in.Tag, Endpoint: l.Endpoint, Model: l.Model}
}

func handle(in intent.Intent) sink.Handle { return sink.Handle{Batch: in.Batch, File: in.File} }
