package durable

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
)

// vigil is what the driver of a batch remembers of its looks. It is not worth
// keeping: another process may warn and cancel again.
type vigil struct {
	began     time.Time // when this process sent it, or found it
	mine      bool      // this process sent it
	doubt     time.Time // when this process knew that its creation had been given up
	age       time.Duration
	aged      time.Time // when the provider said that it was of that age; zero if it did not
	looked    time.Time // last
	warned    bool      // of an unknown status
	unseen    int       // looks in a row that the provider refused
	late      time.Time // when it was found to have had all its time
	cancelled time.Time // when the provider was asked to end it
}

// vigils are those of the batches that run.
type vigils struct{ byTag sync.Map }

func (v *vigils) of(tag string) *vigil {
	kept, _ := v.byTag.LoadOrStore(tag, &vigil{began: time.Now()})
	return kept.(*vigil) //nolint:forcetypeassert // the only type in it
}

// begin forgets what was seen of a batch, as another is sent in its place.
func (v *vigils) begin(tag string) *vigil {
	begun := &vigil{began: time.Now(), mine: true}
	v.byTag.Store(tag, begun)
	return begun
}

func (v *vigils) over(tag string) { v.byTag.Delete(tag) }

// left is how much of its time a batch has left: the provider's window and the
// grace. A batch that is late has the grace once more, for its cancellation.
func (e *engine) left(in intent.Intent, v *vigil) (d time.Duration, limited bool) {
	if !v.late.IsZero() {
		return e.grace - time.Since(v.late), true
	}
	window := e.provider.Limits(e.lanes.get(in.Route).Model).Window
	return window + e.grace - e.age(in, v), window > 0
}

// limitWait cancels a batch that has had all its time, so that it ends with what
// it has, and gives up one that does not end even then: what results there are
// count. The provider may yet run its other rows, so that they are not sent again
// unless it says that they never ran, or that it has no such batch, or a person
// decides so.
func (e *engine) limitWait(ctx context.Context, in intent.Intent, v *vigil, seen string) (intent.Intent, error) {
	if left, limited := e.left(in, v); !limited || left > 0 {
		return in, e.cancelLate(ctx, in, v)
	}
	if v.late.IsZero() && !in.Unproven { // which may be somebody else's
		v.late = time.Now()
		return in, e.cancelLate(ctx, in, v)
	}
	age := e.age(in, v)
	e.log.WarnContext(ctx, "batch given up", "tag", in.Tag, "batch", in.Batch, "seen", seen)
	e.vigils.over(in.Tag)
	reason := newReason(retry.Retryable, "not_ended",
		fmt.Sprintf("the batch had not ended %s after it was sent: %s", age.Round(time.Second), seen))
	e.tell(ctx, Notice{
		Kind: NoticeGivenUp, Tag: in.Tag, Batch: in.Batch, Text: "given up: " + reason.Message,
		Advice: "the results that it has count; its other rows go again only if the provider has no such batch, or you say so",
	})
	return e.advance(ctx, in, intent.BatchEnded{Reason: &reason})
}

// cancelLate cancels a batch once that is late.
func (e *engine) cancelLate(ctx context.Context, in intent.Intent, v *vigil) error {
	if v.late.IsZero() || !v.cancelled.IsZero() {
		return nil
	}
	e.log.WarnContext(ctx, "the batch has not ended in time, cancelling it", "tag", in.Tag, "batch", in.Batch)
	e.tell(ctx, Notice{
		Kind: NoticeGivenUp, Tag: in.Tag, Batch: in.Batch,
		Text:   fmt.Sprintf("not ended %s after it was sent: cancelling it", time.Since(in.SentAt).Round(time.Second)),
		Advice: "the results that it has count, and the rows that never ran go again as often as they may",
	})
	return e.cancelOpen(ctx, in, v)
}

// cancelOpen cancels a batch at the provider. Whether that works is seen by the
// next looks.
func (e *engine) cancelOpen(ctx context.Context, in intent.Intent, v *vigil) error {
	err := e.provider.Cancel(ctx, handle(in))
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch retry.ClassOf(err) {
	case retry.Blocked:
		return fmt.Errorf("durable: batch %s: %w", in.Tag, err)
	case retry.Retryable, retry.Ambiguous:
		e.log.WarnContext(ctx, "the batch could not be cancelled", "tag", in.Tag, "batch", in.Batch, "error", err)
	case 0, retry.Permanent: // as good as it gets
		v.cancelled = time.Now()
	}
	return nil
}
