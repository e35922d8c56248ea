package durable

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

const maxPoll = 5 * time.Minute

// poll looks at a batch when it is its turn. Neither an error nor a status that
// nobody knows says anything about its rows: then it is looked at again, for as
// long as it may run.
func (e *engine) poll(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	if same, err := e.sameAccount(ctx, in); !same {
		return in, err
	}
	v := e.vigils.of(in.Tag)
	done, err := e.awaitTurn(ctx, e.nextLook(in, v))
	if err != nil {
		return in, err
	}
	s := e.look(ctx, in)
	done()
	if ctx.Err() == nil && unlisted(s.listErr) { // it ends all the same
		e.log.WarnContext(ctx, "whether the batch was bought twice cannot be told", "tag", in.Tag, "batch", in.Batch, "error", s.listErr)
		s.listed, s.listErr = nil, nil
	}
	v.looked = time.Now()
	v.note(s.status)
	switch {
	case s.listErr != nil:
		return in, e.hold(ctx, in, "find", 0, s.listErr)
	case s.listed != nil:
		if in, err = e.advance(ctx, in, s.listed); err != nil || in.Next() != intent.Poll {
			return in, err
		}
	}
	return e.judge(ctx, in, v, s)
}

// sight is what a look at a batch brings.
type sight struct {
	status  sink.Status
	err     error
	listed  intent.Event // of a batch in doubt: what carries its tag
	listErr error
}

// String is what was seen, for people.
func (s sight) String() string {
	if s.err != nil {
		return s.err.Error()
	}
	return s.status.Phase
}

func (e *engine) look(ctx context.Context, in intent.Intent) (s sight) {
	if in.InDoubt() { // a second one should be found while it is cheap
		s.listed, s.listErr = e.list(ctx, in)
	}
	s.status, s.err = e.provider.Status(ctx, handle(in))
	return s
}

// judge decides what a look means. That the provider does not know the batch
// may pass, as its list may be behind; so may a permanent error.
func (e *engine) judge(ctx context.Context, in intent.Intent, v *vigil, s sight) (intent.Intent, error) {
	switch {
	case s.err != nil && ctx.Err() != nil:
		return in, context.Cause(ctx)
	case s.err != nil && retry.ClassOf(s.err) != retry.Permanent:
		return in, e.hold(ctx, in, "poll", 0, s.err)
	case s.err != nil:
		e.log.WarnContext(ctx, "the batch cannot be looked at", "tag", in.Tag, "batch", in.Batch, "error", s.err)
		e.tellUnseen(ctx, in, v, s.err)
		return e.limitWait(ctx, in, v, s.String())
	}
	e.see(ctx, in, v, s.status)
	switch {
	case s.status.Ended:
		e.vigils.over(in.Tag)
		return e.end(ctx, in, s.status.Err)
	case s.status.Accepted:
		e.accepted(in)
	}
	return e.limitWait(ctx, in, v, s.String())
}

// see takes note of what a look has shown.
func (e *engine) see(ctx context.Context, in intent.Intent, v *vigil, s sink.Status) {
	v.unseen = 0
	if e.board.see(in.Tag, seen{s.Phase, s.Succeeded + s.Failed}) {
		e.moved()
		e.news.Store(true)
	}
	if !s.Unknown {
		e.untell(NoticeWaiting, in.Tag)
		return
	}
	if !v.warned {
		v.warned = true
		e.log.WarnContext(ctx, "unknown status, waiting for the batch to end", "tag", in.Tag, "batch", in.Batch, "status", s.Phase)
	}
	e.tellWait(ctx, in, v, fmt.Sprintf("has a status that is not known: %q", s.Phase))
}

// tellUnseen tells of a batch that the provider does not show. Right after its
// creation that means nothing.
func (e *engine) tellUnseen(ctx context.Context, in intent.Intent, v *vigil, err error) {
	if v.unseen++; v.unseen < 2 {
		return
	}
	e.tellWait(ctx, in, v, fmt.Sprintf("cannot be looked at: %v", err))
}

// tellWait tells of a batch about which nothing is known.
func (e *engine) tellWait(ctx context.Context, in intent.Intent, v *vigil, what string) {
	n := Notice{Kind: NoticeWaiting, Tag: in.Tag, Batch: in.Batch, Text: what, Next: e.nextLook(in, v)}
	if left, limited := e.left(in, v); limited {
		n.Advice = "if it does not end, it is cancelled or given up at " + time.Now().Add(left).Format(time.DateTime) +
			"; look for it at the provider, with the key that created it"
	}
	e.tell(ctx, n)
}

// end records that a batch has ended. Of one that was refused nothing ran: it is
// put off, or goes in smaller ones, or its rows fail, or wait for a person.
func (e *engine) end(ctx context.Context, in intent.Intent, refusal *sink.RowError) (intent.Intent, error) {
	switch {
	case refusal == nil:
		e.accepted(in)
		return e.advance(ctx, in, intent.BatchEnded{})
	case errors.Is(refusal, sink.ErrTooLarge):
		return e.split(ctx, in, refusal)
	case refusal.Class == retry.Permanent:
		return e.refuse(ctx, in, refusal)
	case refusal.Class == retry.Blocked:
		return e.advance(ctx, in, intent.Refused{Reason: reasonOf(refusal)})
	}
	return e.putOff(ctx, in, refusal)
}

// accepted takes note that the provider runs a batch, or has run it.
func (e *engine) accepted(in intent.Intent) {
	if notice := e.throttles.accept(in); notice != "" {
		e.untell(NoticeRefused, notice)
	}
}

// nextLook is when to look at a batch: as long after the last look as suits its
// age, and just when it has had all its time. One that another process bought is
// looked at once.
func (e *engine) nextLook(in intent.Intent, v *vigil) time.Time {
	last := time.Now().Add(-max(e.age(in, v), e.now().Sub(in.SentAt))) // when it was sent, or long ago
	since := last
	if v.looked.After(last) {
		last = v.looked
	}
	for _, fresh := range []time.Time{v.late, v.cancelled} { // from then on it may end soon
		if fresh.After(since) {
			since = fresh
		}
	}
	if v.looked.IsZero() && !v.mine {
		return time.Now()
	}
	due := last.Add(e.interval(last.Sub(since)))
	if left, limited := e.left(in, v); limited {
		if limit := time.Now().Add(left); limit.After(last) && limit.Before(due) {
			return limit
		}
	}
	return due
}

// interval grows with the age of a batch and is spread by a tenth.
func (e *engine) interval(age time.Duration) time.Duration {
	d := min(max(e.config.poll, age/20), max(e.config.poll, maxPoll))
	return d - rand.N(d/10+1) //nolint:gosec // jitter
}
