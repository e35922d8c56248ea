package durable

import (
	"context"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
)

// awaitLane waits until a batch may be created, after refusals of others of its
// lane or of its own. Meanwhile it is not open at the provider, so that another
// has its slot.
func (e *engine) awaitLane(ctx context.Context, in intent.Intent) error {
	wanted, stop := e.gate.whileWanted(ctx)
	defer stop()
	for {
		ok, at, moved := e.throttles.enter(in, e.lanes.get(in.Route).Model)
		if ok {
			return nil
		}
		e.tellWaiting(ctx, in, at)
		e.leaveSlot()
		if err := sleepUntil(wanted, at, moved); err != nil {
			return err
		}
		if err := acquire(wanted, e.slots); err != nil {
			return err
		}
	}
}

// leaveSlot gives back the slot of a batch. It has none if its wait for the lane
// was broken off, and then the run is over.
func (e *engine) leaveSlot() {
	select {
	case <-e.slots:
	default:
	}
}

// tellWaiting tells of a refusal that an earlier process met, if nobody has.
func (e *engine) tellWaiting(ctx context.Context, in intent.Intent, at time.Time) {
	if in.Reason == nil || e.throttles.noticeOf(in.Route) != in.Tag || e.notices.has(NoticeRefused, in.Tag) {
		return
	}
	e.tell(ctx, Notice{
		Kind: NoticeRefused, Tag: in.Tag, Next: at,
		Text: fmt.Sprintf("the provider refused batches for %s, %d times in a row before this start; nothing of them ran: %s",
			e.laneName(in), in.Reason.Times, said(*in.Reason)),
		Advice: "they wait before they are created again",
	})
}

// sleepUntil waits until something has moved, at the latest until a time.
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

// atProvider reports whether the provider may have a batch that has not ended.
func atProvider(in intent.Intent) bool {
	switch in.State { //nolint:exhaustive // in all others it has none
	case intent.Creating, intent.Unknown, intent.Held, intent.Submitted:
		return true
	}
	return false
}

// withoutRefused leaves out the batches that the provider has refused: of an
// intent that was put off there are such, and no row of them ran.
func withoutRefused(ctx context.Context, p sink.Provider, in intent.Intent, batches []string) (left []string, err error) {
	for _, b := range batches {
		if in.Owns(b) {
			left = append(left, b)
			continue
		}
		s, err := p.Status(ctx, sink.Handle{Batch: b})
		if err != nil {
			return nil, err
		}
		if !s.Ended || s.Err == nil {
			left = append(left, b)
		}
	}
	return left, nil
}

// othersRun reports whether the account has batches of others under way, as far
// as it shows.
func (e *engine) othersRun(ctx context.Context) bool {
	lister, ok := e.provider.(sink.Lister)
	if !ok {
		return false
	}
	window := e.provider.Limits("").Window
	for l, err := range lister.List(ctx, e.now().Add(-window-e.grace)) {
		if err != nil || !l.Ended && !e.owners.has(l.Batch) {
			return true
		}
	}
	return false
}
