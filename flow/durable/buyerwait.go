package durable

import (
	"context"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/intent"
)

// awaitRoute waits until a batch fits beside what is enqueued and may be
// created, after it or others of its route were refused. Meanwhile the batch is
// not open at the provider, so another batch gets its slot. While the run is
// paused, the batch has no room, which other jobs may need.
func (b *buyer) awaitRoute(ctx context.Context, in intent.Intent) error {
	wanted, stop := b.untilNotWanted(ctx, in)
	defer stop()
	for {
		if err := b.gate.pass(wanted); err != nil {
			return err
		}
		if err := b.awaitRoom(wanted, in); err != nil {
			return err
		}
		if err := b.acquireSlot(wanted, in); err != nil {
			return err
		}
		if !b.gate.running() { // it was paused meanwhile
			b.rooms.leave(in.Tag)
			continue
		}
		ok, at, moved := b.batches.throttles.enter(in, b.batches.roomOf(in))
		if ok {
			return nil
		}
		b.rooms.leave(in.Tag)
		b.raiseWaiting(ctx, in, at)
		b.slots.release(in.Tag)
		if err := sleepUntil(wanted, at, moved); err != nil {
			return err
		}
	}
}

// untilNotWanted returns a context for the waits of a batch that is not bought.
// It ends with ctx, when nothing more may be bought, or with errDue.
func (b *buyer) untilNotWanted(ctx context.Context, in intent.Intent) (context.Context, func()) {
	wanted, stop := b.gate.untilBuyingEnds(ctx)
	at, ok := b.batches.deadlines.next(in.Tag)
	if !ok {
		return wanted, stop
	}
	if soonest := time.Now().Add(b.escalationPace()); at.Before(soonest) { // its route for that is out
		at = soonest
	}
	wanted, cancel := context.WithDeadlineCause(wanted, at, errDue)
	return wanted, func() {
		cancel()
		stop()
	}
}

// acquireSlot takes a slot for a batch, unless it has one.
func (b *buyer) acquireSlot(ctx context.Context, in intent.Intent) error {
	return b.slots.acquire(ctx, in.Tag, b.batches.routes.isEscalation(in.Route))
}

// awaitHealth waits until the route of a batch is not paused and its provider
// may be asked again, or until another time if that comes first. Its slot and
// its room are given to others.
func (b *buyer) awaitHealth(ctx context.Context, in intent.Intent, other time.Time) error {
	wanted, stop := b.untilNotWanted(ctx, in)
	defer stop()
	b.rooms.leave(in.Tag)
	b.slots.release(in.Tag)
	return b.untilHealthy(wanted, in, other)
}

// untilHealthy does the waiting. A zero time is none.
func (b *buyer) untilHealthy(ctx context.Context, in intent.Intent, other time.Time) error {
	s := b.batches.serviceOf(in)
	if s.blocked() != nil { // only the other time helps
		return sleepUntil(ctx, other, nil)
	}
	soon, stop := ctx, context.CancelFunc(func() {})
	if !other.IsZero() {
		soon, stop = context.WithDeadline(ctx, other)
	}
	defer stop()
	if err := b.guard.await(soon, b.batches.routes.ownOf(in.Route)); err != nil {
		return context.Cause(ctx)
	}
	until, down := s.down()
	switch {
	case !down:
		return nil
	case !other.IsZero() && other.Before(until):
		until = other
	}
	return sleepUntil(ctx, until, nil)
}

// raiseWaiting raises a notice about a refusal that an earlier process met,
// unless there is one already.
func (b *buyer) raiseWaiting(ctx context.Context, in intent.Intent, at time.Time) {
	if in.Reason == nil || b.batches.throttles.noticeOf(in.Route) != in.Tag || b.notices.has(NoticeRefused, in.Tag) {
		return
	}
	b.notices.raise(ctx, Notice{
		Kind: NoticeRefused, Tag: in.Tag, Next: at,
		Text: fmt.Sprintf("the provider refused batches for %s, %s in a row before this start; nothing of them ran: %s",
			b.batches.routeName(in), counted(in.Reason.Times, "time", "times"), said(*in.Reason)),
		Advice: "they wait before they are created again",
	})
}

// sleepUntil waits until moved is closed, or until the given time at the
// latest.
func sleepUntil(ctx context.Context, at time.Time, moved <-chan struct{}) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-moved:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
