package durable

import (
	"context"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// withdraw gives up a batch that the provider does not have. It never gets it,
// because the run is cancelled.
func (w *watcher) withdraw(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	return w.batches.advance(ctx, in, intent.Refused{Reason: newReason(retry.Permanent, "withdrawn", "the run was cancelled")})
}

// stop cancels a batch of a cancelled run, once in the life of the process. A
// batch that may belong to somebody else is not cancelled, only awaited.
func (w *watcher) stop(ctx context.Context, in intent.Intent, v *pollState) error {
	if in.Unproven || !v.cancelled.IsZero() {
		return nil
	}
	w.log.InfoContext(ctx, "the run is cancelled, cancelling the batch", "tag", in.Tag, "batch", in.Batch)
	return w.cancelOpen(ctx, in, v)
}

// neverRan reports whether a failed row was not executed, for no fault of its
// own.
func neverRan(o *sink.Outcome) bool {
	return o.Err.Class == retry.Blocked || o.Status == 0 && o.Err.Class == retry.Retryable
}
