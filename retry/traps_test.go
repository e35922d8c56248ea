package retry_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/balerhq/baler/retry"
)

// Each test here shows what the obvious use of cenkalti/backoff does, and that
// a Policy does not. If a first half fails, the library has changed and the
// remedy can go.

func TestTrapHiddenFifteenMinutes(t *testing.T) {
	outage := func(t *testing.T) func() error {
		t.Helper()
		back := time.Now().Add(time.Hour)
		return func() error {
			if time.Now().Before(back) {
				return errBusy
			}
			return nil
		}
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := backoff.Retry(outage(t), backoff.NewExponentialBackOff()); err == nil || time.Since(start) > 15*time.Minute {
			t.Errorf("naive: %v after %s, expected it to give up within 15 minutes", err, time.Since(start))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		op := outage(t)
		if err := (retry.Policy{MaxAttempts: 1000}).Do(t.Context(), func(context.Context) error { return op() }); err != nil {
			t.Errorf("ours: %v during an outage of an hour", err)
		}
	})
}

func TestTrapRetryAfterIsNotKnown(t *testing.T) {
	const asked = 10 * time.Minute
	// busy counts the calls before the time that it asks for is over.
	busy := func(early *int) func() error {
		back := time.Now().Add(asked)
		return func() error {
			if !time.Now().Before(back) {
				return nil
			}
			*early++
			return &retry.Error{Class: retry.Retryable, RetryAfter: time.Until(back)}
		}
	}
	synctest.Test(t, func(t *testing.T) {
		early := 0
		if err := backoff.Retry(busy(&early), backoff.NewExponentialBackOff()); err != nil || early < 5 {
			t.Errorf("naive: %v, %d early calls, expected it to hammer a server that asked for a pause", err, early)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		early, start := 0, time.Now()
		call := busy(&early)
		if err := (retry.Policy{}).Do(t.Context(), func(context.Context) error { return call() }); err != nil || early != 1 {
			t.Errorf("ours: %v, %d early calls", err, early)
		}
		if waited := time.Since(start); waited != asked {
			t.Errorf("ours: waited %s, asked for %s", waited, asked)
		}
	})
}

// hint is the wrapper that everybody writes to obey a Retry-After.
type hint struct{ backoff.BackOff }

func (h hint) NextBackOff() time.Duration {
	next := h.BackOff.NextBackOff()
	if next == backoff.Stop {
		return backoff.Stop
	}
	return max(next, time.Hour)
}

func TestTrapWrapperHidesTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_ = backoff.Retry(func() error { return errBusy }, hint{backoff.WithContext(&backoff.ZeroBackOff{}, ctx)})
		if took := time.Since(start); took < time.Hour {
			t.Errorf("naive: back after %s, expected the whole hour", took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_ = retry.Policy{}.Do(ctx, func(context.Context) error {
			return &retry.Error{Class: retry.Retryable, RetryAfter: time.Hour}
		})
		if took := time.Since(start); took != time.Second {
			t.Errorf("ours: back after %s, want 1s", took)
		}
	})
}

func TestTrapLastErrorIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		busy := &retry.Error{Class: retry.Retryable, RetryAfter: time.Hour, Err: errBusy}
		naive := backoff.Retry(func() error { return busy }, backoff.WithContext(backoff.NewConstantBackOff(time.Hour), ctx))
		if errors.Is(naive, errBusy) {
			t.Errorf("naive: %v, expected the error of the call to be lost", naive)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ours := retry.Policy{}.Do(ctx, func(context.Context) error { return busy })
		if !errors.Is(ours, errBusy) || !errors.Is(ours, context.DeadlineExceeded) {
			t.Errorf("ours: %v, want the error of the call and the deadline", ours)
		}
	})
}

func TestTrapCancelledContextStillRunsOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	calls := 0
	_ = backoff.Retry(func() error { calls++; return nil }, backoff.WithContext(&backoff.ZeroBackOff{}, ctx))
	if calls != 1 {
		t.Errorf("naive: %d calls, expected one", calls)
	}
	err := retry.Policy{}.Do(ctx, func(context.Context) error { t.Error("ours: called"); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ours: %v, want the cancel", err)
	}
}

func TestTrapPermanentLosesItsWrapping(t *testing.T) {
	wrapped := fmt.Errorf("row 17: %w", backoff.Permanent(errBad))
	naive := backoff.Retry(func() error { return wrapped }, &backoff.ZeroBackOff{})
	if errors.Is(naive, wrapped) {
		t.Errorf("naive: %v, expected the wrapping to be gone", naive)
	}
	for _, err := range []error{wrapped, fmt.Errorf("row 17: %w", errBad)} {
		if ours := (retry.Policy{}).Do(t.Context(), func(context.Context) error { return err }); !errors.Is(ours, err) {
			t.Errorf("ours: %v, want %v", ours, err)
		}
	}
}

func TestTrapZeroValuePanics(t *testing.T) {
	panicked := func() (yes bool) {
		defer func() { yes = recover() != nil }()
		_ = backoff.Retry(func() error { return nil }, &backoff.ExponentialBackOff{})
		return false
	}()
	if !panicked {
		t.Error("naive: expected the zero ExponentialBackOff to panic")
	}
	var p retry.Policy
	if err := p.Do(t.Context(), func(context.Context) error { return nil }); err != nil {
		t.Errorf("ours: %v with the zero Policy", err)
	}
}

func TestTrapJitterExceedsTheCap(t *testing.T) {
	naive := backoff.NewExponentialBackOff(backoff.WithMaxInterval(time.Minute), backoff.WithMaxElapsedTime(0))
	var longest time.Duration
	for range 1000 {
		longest = max(longest, naive.NextBackOff())
	}
	if longest <= time.Minute {
		t.Errorf("naive: longest delay %s, expected more than the cap of a minute", longest)
	}
	p := retry.Policy{MaxAttempts: 2000, MaxDelay: time.Minute}
	for n := range 1000 {
		if delay, _ := p.Next(n+1, errBusy); delay > time.Minute {
			t.Fatalf("ours: delay %s above the cap", delay)
		}
	}
}

func TestTrapRetriesAreNotAttempts(t *testing.T) {
	calls := 0
	_ = backoff.Retry(func() error { calls++; return errBusy }, backoff.WithMaxRetries(&backoff.ZeroBackOff{}, 3))
	if calls != 4 {
		t.Errorf("naive: %d calls for 3, expected 4", calls)
	}
	calls = 0
	_ = retry.Policy{MaxAttempts: 3, Delay: 1}.Do(t.Context(), func(context.Context) error { calls++; return errBusy })
	if calls != 3 {
		t.Errorf("ours: %d calls for MaxAttempts 3", calls)
	}
}

// One BackOff used by two callers counts the attempts of both: each gives up
// early. Under the race detector the naive half would fail on its own, so it
// takes turns.
func TestTrapBackOffIsNotToBeShared(t *testing.T) {
	shared := backoff.WithMaxRetries(&backoff.ZeroBackOff{}, 4)
	shared.Reset()
	alone, other := 0, 0
	for shared.NextBackOff() != backoff.Stop {
		alone++
		if shared.NextBackOff() != backoff.Stop {
			other++
		}
	}
	if alone != 2 || other != 2 {
		t.Errorf("naive: %d and %d retries, expected two callers to share the 4", alone, other)
	}
	synctest.Test(t, func(t *testing.T) {
		p := retry.Policy{MaxAttempts: 5}
		var calls atomic.Int64
		for range 100 {
			go func() {
				_ = p.Do(t.Context(), func(context.Context) error { calls.Add(1); return errBusy })
			}()
		}
		time.Sleep(time.Hour)
		if n := calls.Load(); n != 500 {
			t.Errorf("ours: %d calls of 100 callers, want 5 each", n)
		}
	})
}

// The same for sony/gobreaker: its hook may not look at the breaker.
func TestTrapBreakerHookMayCallTheBreaker(t *testing.T) {
	var b *retry.Breaker
	b, err := retry.NewBreaker("x", retry.BreakerConfig{Failures: 1, OnChange: func(string, bool) {
		_ = b.Do(t.Context(), func(context.Context) error { return nil })
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Do(t.Context(), func(context.Context) error { return errBusy }); !errors.Is(err, errBusy) {
		t.Errorf("Do = %v", err)
	}
}
