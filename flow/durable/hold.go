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
	d := e.pause(attempts, err)
	e.tellTrouble(ctx, in, trouble{call: call, err: err, again: d, lasts: true})
	return e.sleep(ctx, d)
}

// pause is how long to wait after so many attempts, as of a look: what passes is
// noticed in minutes.
func (e *engine) pause(attempts int, err error) time.Duration {
	longest := max(e.config.poll, maxPoll)
	return max(min(e.interval(0)<<min(attempts, 8), longest), retry.After(err))
}
