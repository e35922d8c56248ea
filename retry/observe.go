package retry

import (
	"context"
	"time"
)

// Attempt is what became of one attempt of a [Policy.Do].
type Attempt struct {
	N     int           // from 1
	Err   error         // nil if it succeeded
	Delay time.Duration // until the next one; 0 if there is none
}

type observerKey struct{}

// Observe returns a context under which each [Policy.Do] calls observe after
// every attempt, and before the wait for the next. So who makes a call learns
// what keeps it, however deep the retries are. An attempt that the end of ctx
// broke off is not told. Observers of an outer context are not called.
func Observe(ctx context.Context, observe func(Attempt)) context.Context {
	return context.WithValue(ctx, observerKey{}, observe)
}

func observer(ctx context.Context) func(Attempt) {
	if observe, ok := ctx.Value(observerKey{}).(func(Attempt)); ok {
		return observe
	}
	return func(Attempt) {}
}
