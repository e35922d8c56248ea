package durable

import (
	"context"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
)

// hold waits after a failed call, or returns the error if waiting is no use.
func (e *engine) hold(ctx context.Context, in intent.Intent, call string, attempts int, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch retry.ClassOf(err) {
	case retry.Blocked, retry.Permanent:
		return fmt.Errorf("durable: batch %s: %w", in.Tag, err)
	case retry.Retryable, retry.Ambiguous:
	}
	longest := max(e.config.poll, maxPoll) // as of a look: what passes is noticed in minutes
	d := max(min(e.interval(0)<<min(attempts, 8), longest), retry.After(err))
	e.tell(ctx, Notice{
		Kind: NoticeWaiting, Tag: in.Tag, Batch: in.Batch,
		Text: fmt.Sprintf("%s failed: %v", call, err), Next: time.Now().Add(d),
	})
	return e.sleep(ctx, d)
}
