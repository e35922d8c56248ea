package durable

import (
	"context"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
)

// left returns how much time a batch has left of the provider's window and the
// grace, or of the window of its route if that is over earlier. A late batch
// has the grace once more, for its cancellation.
func (w *watcher) left(in intent.Intent, v *pollState) (d time.Duration, limited bool) {
	if !v.late.IsZero() {
		return w.grace - time.Since(v.late), true
	}
	window := w.batches.serviceOf(in).window(w.batches.modelOf(in))
	d, limited = window+w.grace-w.clock.age(in, v), window > 0
	if own, has := w.leftOfRoute(in, v); has && (!limited || own < d) {
		return own, true
	}
	return d, limited
}

// leftOfRoute returns how much time a batch has left of the window of its
// route. One that may be somebody else's does not go by it.
func (w *watcher) leftOfRoute(in intent.Intent, v *pollState) (d time.Duration, limited bool) {
	own := w.batches.routes.ownOf(in.Route)
	if own < 0 || w.own[own].window == 0 || in.Unproven {
		return 0, false
	}
	return w.own[own].window - w.clock.age(in, v), true
}

// limitWait cancels a batch whose time is over, so that it ends with the
// results so far. It gives up a batch that does not end even then: the results
// so far count. The provider may yet run the other rows. They are retried only
// if the provider says that they never ran or that it has no such batch, or if
// a person decides so.
func (w *watcher) limitWait(ctx context.Context, in intent.Intent, v *pollState, seen string) (intent.Intent, error) {
	if left, limited := w.left(in, v); !limited || left > 0 {
		return in, w.cancelLate(ctx, in, v)
	}
	if v.late.IsZero() && !in.Unproven { // which may be somebody else's
		if left, limited := w.leftOfRoute(in, v); limited && left <= 0 {
			var err error
			if in, err = w.batches.advance(ctx, in, intent.CutShort{}); err != nil {
				return in, err
			}
		}
		v.late = time.Now()
		return in, w.cancelLate(ctx, in, v)
	}
	age := w.clock.age(in, v)
	w.log.WarnContext(ctx, "batch given up", "tag", in.Tag, "batch", in.Batch, "seen", seen)
	w.pollStates.over(in.Tag)
	reason := newReason(retry.Retryable, "not_ended",
		fmt.Sprintf("the batch had not ended %s after it was sent: %s", age.Round(time.Second), seen))
	w.notices.raise(ctx, Notice{
		Kind: NoticeGivenUp, Tag: in.Tag, Batch: in.Batch, Text: "given up: " + reason.Message,
		Advice: "the results that it has count; its other rows are retried only if the provider has no such batch, or you say so",
	})
	return w.batches.advance(ctx, in, intent.BatchEnded{Reason: &reason})
}

// cancelLate cancels a batch if it is late.
func (w *watcher) cancelLate(ctx context.Context, in intent.Intent, v *pollState) error {
	if v.late.IsZero() || !v.cancelled.IsZero() {
		return nil
	}
	w.log.WarnContext(ctx, "the batch has not ended in time, cancelling it", "tag", in.Tag, "batch", in.Batch)
	w.notices.raise(ctx, Notice{
		Kind: NoticeGivenUp, Tag: in.Tag, Batch: in.Batch,
		Text:   fmt.Sprintf("not ended %s after it was sent: cancelling it", time.Since(in.SentAt).Round(time.Second)),
		Advice: "the results that it has count, and the rows that never ran are retried as often as they may be",
	})
	return w.cancelOpen(ctx, in, v)
}

// cancelOpen cancels a batch at the provider. The next polls show whether that
// worked.
func (w *watcher) cancelOpen(ctx context.Context, in intent.Intent, v *pollState) error {
	err := w.batches.serviceOf(in).Cancel(ctx, handle(in))
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch retry.ClassOf(err) {
	case retry.Blocked:
		return fmt.Errorf("durable: batch %s: %w", in.Tag, err)
	case retry.Retryable, retry.Ambiguous:
		w.log.WarnContext(ctx, "the batch could not be cancelled", "tag", in.Tag, "batch", in.Batch, "error", err)
	case 0, retry.Permanent: // the provider will not do more
		v.cancelled = time.Now()
	}
	return nil
}
