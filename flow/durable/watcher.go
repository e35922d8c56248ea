package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// watcher polls the batches that the provider runs.
type watcher struct {
	*config
	openBatches *openBatches
	clock       *clock
	notices     *notices
	calls       *calls
	batches     *batches
	accounts    *accounts
	refusals    *refusals
	finder      *finder
	pollStates  *pollStates
	slots       *slots
	raw         *rawKeeper
}

// await waits until it is a batch's turn to be polled, which poll gives back.
// Without an error, ready is false if it is not known yet whether the key sees the
// batch.
func (w *watcher) await(ctx context.Context, in *intent.Intent) (ready bool, err error) {
	wanted, stop := w.calls.gate.untilCancelled(ctx) // before due looks whether the run is cancelled
	defer stop()
	due, ready, err := w.due(ctx, in)
	if ready {
		err = w.calls.polls.wait(wanted, due)
	}
	return ready && err == nil, err
}

// due returns when a batch is to be polled. A batch of a run that is cancelled is
// cancelled before.
func (w *watcher) due(ctx context.Context, in *intent.Intent) (due time.Time, ready bool, err error) {
	ctx = w.notices.observed(ctx, w.batches.serviceOf(*in), *in)
	if same, err := w.accounts.sameAccount(ctx, *in); !same {
		return due, false, err
	}
	v := w.pollStates.of(in.Tag)
	if w.calls.gate.cancelled() {
		if err := w.stop(ctx, *in, v); err != nil {
			return due, false, err
		}
	}
	return w.nextPoll(*in, v), true, nil
}

// poll polls a batch, whose turn it is. Neither an error nor an unknown status
// says anything about the rows. Then the batch is polled again, for as long as
// it may run.
func (w *watcher) poll(ctx context.Context, in intent.Intent) (_ intent.Intent, err error) {
	v := w.pollStates.of(in.Tag)
	s := w.pollApart(ctx, &in)
	w.calls.polls.done()
	if ctx.Err() == nil && unlisted(s.listErr) { // the batch can end nevertheless
		w.log.WarnContext(ctx, "whether the batch was bought twice cannot be told", "tag", in.Tag, "batch", in.Batch, "error", s.listErr)
		s.listed, s.listErr = nil, nil
	}
	v.polled = time.Now()
	v.note(s.status)
	switch {
	case s.listErr != nil:
		return in, w.calls.backOff(ctx, w.batches.serviceOf(in), in, "find", 0, s.listErr)
	case s.listed != nil:
		if in, err = w.batches.advance(ctx, in, s.listed); err != nil || in.Next() != intent.Poll {
			return in, err
		}
	}
	return w.decide(ctx, in, v, s)
}

// pollApart polls in a goroutine of its own. A call takes much more stack than
// waiting does, and the stack of a driver that had once grown would be kept.
func (w *watcher) pollApart(ctx context.Context, in *intent.Intent) pollResult {
	polled := make(chan pollResult, 1)
	go func() {
		s := pollResult{err: errNotPolled}
		defer func() { polled <- s }()
		s = w.pollOnce(ctx, *in)
	}()
	return <-polled
}

// errNotPolled means that the provider has ended the goroutine of a poll.
var errNotPolled = errors.New("durable: the provider ended the goroutine that polled")

// pollResult is the result of a poll.
type pollResult struct {
	status  sink.Status
	err     error
	listed  intent.Event // for a batch in doubt: the batches with its tag
	listErr error
	object  []byte // what the provider says of it, if that is kept
}

// String describes the result for people.
func (s pollResult) String() string {
	if s.err != nil {
		return s.err.Error()
	}
	return s.status.Phase
}

func (w *watcher) pollOnce(ctx context.Context, in intent.Intent) (s pollResult) {
	if in.InDoubt() { // a second batch should be found while cancelling it saves money
		s.listed, s.listErr = w.finder.list(ctx, in)
	}
	s.status, s.err = w.batches.serviceOf(in).Status(w.raw.note(ctx, &s.object), handle(in))
	return s
}

// decide decides what follows from a poll. The provider may not know the batch
// yet, because its list may lag. A permanent error may be over later, too.
func (w *watcher) decide(ctx context.Context, in intent.Intent, v *pollState, s pollResult) (intent.Intent, error) {
	switch {
	case s.err != nil && ctx.Err() != nil:
		return in, context.Cause(ctx)
	case s.err != nil && retry.ClassOf(s.err) != retry.Permanent:
		w.lendSlot(in, v)
		return in, w.calls.backOff(ctx, w.batches.serviceOf(in), in, "poll", 0, s.err)
	case s.err != nil:
		w.log.WarnContext(ctx, "the batch cannot be polled", "tag", in.Tag, "batch", in.Batch, "error", s.err)
		w.raiseUnseen(ctx, in, v, s.err)
		return w.limitWait(ctx, in, v, s.String())
	}
	w.see(ctx, in, v, s.status)
	if v.failed > 0 {
		v.failed = 0
		w.batches.serviceOf(in).isUp() // it answers again
		w.slots.regain(in.Tag, w.batches.routes.isEscalation(in.Route))
	}
	switch {
	case s.status.Ended:
		w.pollStates.over(in.Tag)
		if s.status.Err != nil {
			if err := w.raw.add(ctx, in, s.object); err != nil {
				return in, err
			}
		}
		return w.end(ctx, in, s.status.Err)
	case s.status.Accepted:
		w.accepted(in)
	}
	in, err := w.cancelDue(ctx, in, v)
	if err != nil {
		return in, err
	}
	return w.limitWait(ctx, in, v, s.String())
}

// lendSlot counts a poll that was not answered. If the provider is down, other
// providers have the slot of its batch until it is back.
func (w *watcher) lendSlot(in intent.Intent, v *pollState) {
	if v.failed++; v.failed >= outageFailures && len(w.services) > 1 {
		w.slots.release(in.Tag)
	}
}

// see records what a poll has shown.
func (w *watcher) see(ctx context.Context, in intent.Intent, v *pollState, s sink.Status) {
	v.unseen = 0
	if w.openBatches.see(in.Tag, seen{s.Phase, (s.Succeeded + s.Failed) * in.Rows / max(in.Requests(), 1)}) {
		w.notices.moved()
		w.notices.dirty.Store(true)
	}
	if !s.Unknown {
		w.notices.clear(NoticeWaiting, in.Tag)
		return
	}
	if !v.warned {
		v.warned = true
		w.log.WarnContext(ctx, "unknown status, waiting for the batch to end", "tag", in.Tag, "batch", in.Batch, "status", s.Phase)
	}
	w.raiseWait(ctx, in, v, fmt.Sprintf("has a status that is not known: %q", s.Phase))
}

// raiseUnseen raises a notice about a batch that the provider does not show.
// Right after its creation that means nothing.
func (w *watcher) raiseUnseen(ctx context.Context, in intent.Intent, v *pollState, err error) {
	if v.unseen++; v.unseen < 2 {
		return
	}
	w.raiseWait(ctx, in, v, fmt.Sprintf("cannot be polled: %v", err))
}

// raiseWait raises a notice about a batch whose state is not known.
func (w *watcher) raiseWait(ctx context.Context, in intent.Intent, v *pollState, what string) {
	n := Notice{Kind: NoticeWaiting, Tag: in.Tag, Batch: in.Batch, Text: what, Next: w.nextPoll(in, v)}
	if left, limited := w.left(in, v); limited {
		n.Advice = "if it does not end, it is cancelled or given up at " + time.Now().Add(left).Format(time.DateTime) +
			"; look for it at the provider, with the key that created it"
	}
	w.notices.raise(ctx, n)
}

// end records that a batch has ended. If it was refused, none of its rows ran.
// Then it is put off, its rows are submitted in smaller batches, fail, or wait
// for a person.
func (w *watcher) end(ctx context.Context, in intent.Intent, refusal *sink.RowError) (intent.Intent, error) {
	switch {
	case refusal == nil:
		w.accepted(in)
		return w.batches.advance(ctx, in, intent.BatchEnded{})
	case errors.Is(refusal, sink.ErrTooLarge):
		return w.refusals.split(ctx, in, refusal)
	case refusal.Class == retry.Permanent:
		return w.refusals.refuse(ctx, in, refusal)
	case refusal.Class == retry.Blocked:
		return w.batches.advance(ctx, in, intent.Refused{Reason: reasonOf(refusal)})
	}
	return w.refusals.putOff(ctx, in, refusal)
}

// accepted records that the provider runs a batch or has run it.
func (w *watcher) accepted(in intent.Intent) {
	w.rooms.accept(in.Tag)
	if notice := w.batches.throttles.accept(in); notice != "" {
		w.notices.clear(NoticeRefused, notice)
	}
}

// nextPoll returns when to poll a batch: after the last poll, by an interval
// that fits the batch's age, or exactly when its time is over or its rows are
// due on another route. A batch that
// another process bought is polled at once.
func (w *watcher) nextPoll(in intent.Intent, v *pollState) time.Time {
	last := time.Now().Add(-max(w.clock.age(in, v), w.clock.now().Sub(in.SentAt))) // when it was sent, or long ago
	since := last
	if v.polled.After(last) {
		last = v.polled
	}
	for _, fresh := range []time.Time{v.late, v.cancelled} { // from then on it may end soon
		if fresh.After(since) {
			since = fresh
		}
	}
	if v.polled.IsZero() && !v.mine {
		return time.Now()
	}
	age := last.Sub(since)
	if in.Prefix == intent.WritesPrefix {
		age = 0 // others wait for it, and the cache may last no longer than the longest interval
	}
	due := last.Add(w.calls.interval(age))
	if left, limited := w.left(in, v); limited {
		if limit := time.Now().Add(left); limit.After(last) && limit.Before(due) {
			due = limit
		}
	}
	if at, ok := w.batches.deadlines.next(in.Tag); ok && v.cancelled.IsZero() && at.After(last) && at.Before(due) {
		return at
	}
	return due
}
