package ratelimit

import (
	"context"
	"fmt"
	"time"
)

// Do waits for cost as [Limiter.Wait] does, runs call and settles the cost that
// call returns. Slots are free again when Do returns, so call need not count
// them. A call that returns an error and no cost counts as the whole cost,
// because providers count failed requests too.
//
// The context of call ends after Config.Timeout, with a [TimeoutError] as its
// cause. The wait before the call does not count.
func (l *Limiter) Do(ctx context.Context, cost Cost, call func(context.Context) (used Cost, err error)) error {
	if err := l.Wait(ctx, cost); err != nil {
		return err
	}
	used := cost // also if call panics
	defer func() {
		used.Slots = 0
		l.Settle(cost, used)
	}()
	ctx, cancel := l.withTimeout(ctx)
	defer cancel()
	actual, err := call(ctx)
	if err == nil || actual != (Cost{}) {
		used = actual
	}
	return err
}

func (l *Limiter) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	l.lock()
	after := l.config.Timeout
	l.mu.Unlock()
	if after == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, after, &TimeoutError{After: after})
}

// TimeoutError says that a call has run for the Timeout of its limiter. It is a
// [context.DeadlineExceeded] to errors.Is and a timeout to [net.Error].
type TimeoutError struct{ After time.Duration }

// Error returns a message with the time allowed.
func (e *TimeoutError) Error() string {
	return fmt.Sprintf("ratelimit: call took longer than %s", e.After)
}

// Unwrap returns [context.DeadlineExceeded].
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }

// Timeout returns true.
func (e *TimeoutError) Timeout() bool { return true }

// Temporary returns true: the next call may be faster.
func (e *TimeoutError) Temporary() bool { return true }
