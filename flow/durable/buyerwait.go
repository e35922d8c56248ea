package durable

import (
	"context"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/intent"
)

// awaitRoute waits until a batch may be created, after it or others of its
// route were refused. Meanwhile the batch is not open at the provider, so
// another batch gets its slot.
func (b *buyer) awaitRoute(ctx context.Context, in intent.Intent) error {
	wanted, stop := b.gate.untilBuyingEnds(ctx)
	defer stop()
	for {
		ok, at, moved := b.batches.throttles.enter(in, b.batches.roomOf(in))
		if ok {
			return nil
		}
		b.raiseWaiting(ctx, in, at)
		b.releaseSlot()
		if err := sleepUntil(wanted, at, moved); err != nil {
			return err
		}
		if err := acquire(wanted, b.slots); err != nil {
			return err
		}
	}
}

// releaseSlot gives back the slot of a batch. The batch has none if its wait
// for the route was interrupted, and then the run is over.
func (b *buyer) releaseSlot() {
	select {
	case <-b.slots:
	default:
	}
}

// raiseWaiting raises a notice about a refusal that an earlier process met,
// unless there is one already.
func (b *buyer) raiseWaiting(ctx context.Context, in intent.Intent, at time.Time) {
	if in.Reason == nil || b.batches.throttles.noticeOf(in.Route) != in.Tag || b.notices.has(NoticeRefused, in.Tag) {
		return
	}
	b.notices.raise(ctx, Notice{
		Kind: NoticeRefused, Tag: in.Tag, Next: at,
		Text: fmt.Sprintf("the provider refused batches for %s, %d times in a row before this start; nothing of them ran: %s",
			b.batches.routeName(in), in.Reason.Times, said(*in.Reason)),
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
