package retry_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/retry"
)

var errBusy = retry.Mark(errors.New("busy"), retry.Retryable)

func TestDoRepeatsUntilSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		err := retry.Policy{}.Do(t.Context(), func(context.Context) error {
			if calls++; calls < 3 {
				return errBusy
			}
			return nil
		})
		if err != nil || calls != 3 {
			t.Errorf("Do = %v after %d calls, want success after 3", err, calls)
		}
	})
}

func TestDoCountsAttemptsAsPeopleDo(t *testing.T) {
	for attempts, want := range map[int]int{0: 4, 1: 1, 3: 3} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			err := retry.Policy{MaxAttempts: attempts}.Do(t.Context(), func(context.Context) error {
				calls++
				return errBusy
			})
			if calls != want || !errors.Is(err, errBusy) {
				t.Errorf("MaxAttempts %d: %d calls, error %v; want %d calls and the last error", attempts, calls, err, want)
			}
		})
	}
}

func TestDoStopsAtOtherClasses(t *testing.T) {
	for _, class := range []retry.Class{retry.Permanent, retry.Blocked, retry.Ambiguous} {
		calls := 0
		err := retry.Policy{}.Do(t.Context(), func(context.Context) error {
			calls++
			return retry.Mark(errors.New("no"), class)
		})
		if calls != 1 || retry.ClassOf(err) != class {
			t.Errorf("%s: %d calls, class %s; want one call and the class kept", class, calls, retry.ClassOf(err))
		}
	}
}

func TestDoObeysRetryAfterUpToTheCap(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		30 * time.Minute: 30 * time.Minute,
		9 * time.Hour:    time.Hour,
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			_ = retry.Policy{MaxAttempts: 2}.Do(t.Context(), func(context.Context) error {
				return &retry.Error{Class: retry.Retryable, RetryAfter: asked}
			})
			if waited := time.Since(start); waited != want {
				t.Errorf("asked to wait %s: waited %s, want %s", asked, waited, want)
			}
		})
	}
}

func TestDoEndsWithCauseAndLastError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shutdown := errors.New("shutdown")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(shutdown) })
		start := time.Now()
		err := retry.Policy{}.Do(ctx, func(context.Context) error {
			return &retry.Error{Class: retry.Retryable, RetryAfter: time.Minute, Err: errBusy}
		})
		if !errors.Is(err, shutdown) || !errors.Is(err, errBusy) {
			t.Errorf("Do = %v, want the cause and the last error", err)
		}
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("returned after %s, want at the cancel after 1s", waited)
		}
	})
}

func TestDoValueReturnsTheLastValue(t *testing.T) {
	got, err := retry.DoValue(t.Context(), retry.Policy{}, func(context.Context) (int, error) { return 7, nil })
	if got != 7 || err != nil {
		t.Errorf("DoValue = %d, %v; want 7", got, err)
	}
}

func TestPolicyNamesTheWrongField(t *testing.T) {
	for field, p := range map[string]retry.Policy{
		"MaxAttempts":   {MaxAttempts: -1},
		"Delay":         {Delay: -1},
		"Factor":        {Factor: 0.5},
		"MaxDelay":      {MaxDelay: -1},
		"MaxRetryAfter": {MaxRetryAfter: -1},
	} {
		err := p.Do(t.Context(), func(context.Context) error { t.Error("called"); return nil })
		if err == nil || !strings.Contains(err.Error(), "Policy."+field+" ") {
			t.Errorf("%s: error %v does not name it", field, err)
		}
	}
}

func TestNextStaysUnderTheCap(t *testing.T) {
	p := retry.Policy{MaxAttempts: 1 << 20}
	steps := map[int]int{1: 10, 2: 20, 3: 40, 4: 80, 5: 120, 6: 120, 10_000: 120}
	for attempts, seconds := range steps {
		limit := time.Duration(seconds) * time.Second
		var longest time.Duration
		for range 1000 {
			delay, again := p.Next(attempts, errBusy)
			if !again || delay < 0 || delay >= limit {
				t.Fatalf("after %d attempts: %s, %v; want again, below %s", attempts, delay, again, limit)
			}
			longest = max(longest, delay)
		}
		if longest < limit*9/10 {
			t.Errorf("after %d attempts: longest of 1000 delays is %s; want them spread up to %s", attempts, longest, limit)
		}
	}
}
