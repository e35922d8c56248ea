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

// stop cancels a batch of a cancelled run, once in the life of the process, and
// polls it. A batch that may belong to somebody else is not cancelled, only
// awaited.
func (w *watcher) stop(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	if same, err := w.accounts.sameAccount(ctx, in); !same {
		return in, err
	}
	if v := w.pollStates.of(in.Tag); !in.Unproven && v.cancelled.IsZero() {
		w.log.InfoContext(ctx, "the run is cancelled, cancelling the batch", "tag", in.Tag, "batch", in.Batch)
		if err := w.cancelOpen(ctx, in, v); err != nil {
			return in, err
		}
	}
	return w.poll(ctx, in)
}

// neverRan reports whether a failed row was not executed, for no fault of its
// own.
func neverRan(o *sink.Outcome) bool {
	return o.Err.Class == retry.Blocked || o.Status == 0 && o.Err.Class == retry.Retryable
}
