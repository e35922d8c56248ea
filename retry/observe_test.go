package retry_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/retry"
)

func TestAttemptsAreObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		passing := retry.Mark(errors.New("passes"), retry.Retryable)
		var seen []retry.Attempt
		ctx := retry.Observe(t.Context(), func(a retry.Attempt) { seen = append(seen, a) })
		calls := 0
		start := time.Now()
		err := retry.Policy{}.Do(ctx, func(context.Context) error {
			if calls++; calls < 3 {
				return passing
			}
			return nil
		})
		if err != nil || len(seen) != 3 {
			t.Fatalf("%v, %+v", err, seen)
		}
		if !errors.Is(seen[0].Err, passing) || seen[0].N != 1 || seen[1].N != 2 || seen[2].Err != nil || seen[2].N != 3 {
			t.Errorf("%+v", seen)
		}
		if waited := seen[0].Delay + seen[1].Delay + seen[2].Delay; waited != time.Since(start) {
			t.Errorf("told of %s, waited %s", waited, time.Since(start))
		}
	})
}

func TestTheLastAttemptIsObservedAndOneThatIsBrokenOffIsNot(t *testing.T) {
	var seen []retry.Class
	ctx := retry.Observe(t.Context(), func(a retry.Attempt) {
		if a.Delay == 0 {
			seen = append(seen, retry.ClassOf(a.Err))
		}
	})
	_ = retry.Policy{}.Do(ctx, func(context.Context) error { return retry.Mark(errors.New("no"), retry.Permanent) })
	_ = retry.Policy{MaxAttempts: 1}.Do(ctx, func(context.Context) error { return retry.Mark(errors.New("no"), retry.Retryable) })
	ended, cancel := context.WithCancel(ctx)
	_ = retry.Policy{}.Do(ended, func(ctx context.Context) error {
		cancel()
		return ctx.Err()
	})
	if want := []retry.Class{retry.Permanent, retry.Retryable}; !slices.Equal(seen, want) {
		t.Errorf("%v", seen)
	}
}
