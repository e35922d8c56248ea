package retry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/retry"
)

// patient is a breaker and calls through it.
type patient struct {
	*retry.Breaker
	calls int
}

func newBreaker(t *testing.T, c retry.BreakerConfig) *patient {
	t.Helper()
	b, err := retry.NewBreaker("openai", c)
	if err != nil {
		t.Fatal(err)
	}
	return &patient{Breaker: b}
}

func (p *patient) do(ctx context.Context, times int, result error) (err error) {
	for range times {
		err = p.Do(ctx, func(context.Context) error { p.calls++; return result })
	}
	return err
}

func TestBreakerOpensAndTriesAgainAfterTheCooldown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes []string
		b := newBreaker(t, retry.BreakerConfig{OnChange: func(provider string, open bool) {
			changes = append(changes, fmt.Sprint(provider, " ", open))
		}})
		err := b.do(t.Context(), 8, errBusy)
		if b.calls != 5 || !errors.Is(err, retry.ErrOpen) || retry.ClassOf(err) != retry.Retryable {
			t.Fatalf("%d calls, then %v; want 5 and a retryable ErrOpen", b.calls, err)
		}
		time.Sleep(retry.After(err))
		if err := b.do(t.Context(), 2, errBusy); b.calls != 6 || !errors.Is(err, retry.ErrOpen) {
			t.Fatalf("%d calls, then %v; want one trial and open again", b.calls, err)
		}
		time.Sleep(retry.After(b.do(t.Context(), 1, nil)))
		if err := b.do(t.Context(), 3, nil); b.calls != 9 || err != nil {
			t.Errorf("%d calls, then %v; want it closed after a successful trial", b.calls, err)
		}
		if diff := cmp.Diff([]string{"openai true", "openai false"}, changes); diff != "" {
			t.Errorf("changes -want +got:\n%s", diff)
		}
	})
}

func TestBreakerKnowsAnOutageFromARefusal(t *testing.T) {
	tooMany := &retry.Error{Class: retry.Retryable, Status: 429}
	for _, err := range []error{errBad, errQuota, tooMany, context.Canceled, nil} {
		b := newBreaker(t, retry.BreakerConfig{Failures: 2})
		if _ = b.do(t.Context(), 10, err); b.calls != 10 {
			t.Errorf("%v opened the breaker after %d calls", err, b.calls)
		}
	}
}

// That a call was interrupted says nothing about its provider, whatever the
// cause.
func TestBreakerIsNotOpenedByCallsThatAreInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(retry.Mark(errors.New("another call"), retry.Retryable))
	b := newBreaker(t, retry.BreakerConfig{Failures: 2})
	if _ = b.do(ctx, 10, context.Cause(ctx)); b.calls != 10 {
		t.Errorf("open after %d calls", b.calls)
	}
}

// waiting makes calls that take so long, by callers with so much patience, and
// returns how many were made.
func (p *patient) waiting(ctx context.Context, times int, takes, patience time.Duration) int {
	before := p.calls
	for range times {
		ctx, cancel := context.WithTimeoutCause(ctx, patience, errQuota)
		_ = p.Do(ctx, func(ctx context.Context) error {
			p.calls++
			done := time.NewTimer(takes)
			defer done.Stop()
			select {
			case <-done.C:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
		cancel()
	}
	return p.calls - before
}

func TestBreakerKnowsAServerThatHangsFromACallerInAHurry(t *testing.T) {
	const hangs = time.Hour
	for name, test := range map[string]struct {
		before   func(ctx context.Context, b *patient)
		patience time.Duration
		opens    bool
	}{
		"the deadline is shorter than usual": {func(ctx context.Context, b *patient) { b.waiting(ctx, 3, time.Second, hangs) }, 100 * time.Millisecond, false},
		"none has succeeded yet":             {func(context.Context, *patient) {}, 10 * time.Second, false},
		"calls are usually faster":           {func(ctx context.Context, b *patient) { b.waiting(ctx, 3, time.Second, hangs) }, 2 * time.Second, true},
		"a slow call was long ago": {func(ctx context.Context, b *patient) {
			b.waiting(ctx, 1, time.Minute, hangs)
			b.waiting(ctx, 300, time.Second, hangs)
		}, 2 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBreaker(t, retry.BreakerConfig{Failures: 2})
				test.before(t.Context(), b)
				if calls := b.waiting(t.Context(), 10, hangs, test.patience); (calls == 2) != test.opens || b.IsOpen() != test.opens {
					t.Errorf("%d of 10 calls were made, and it is open: %v", calls, b.IsOpen())
				}
			})
		})
	}
}

// A trial whose caller was in a hurry tells nothing, and the next one tries.
func TestBreakerTriesAgainAfterATrialInAHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, retry.BreakerConfig{Failures: 1})
		b.waiting(t.Context(), 1, time.Second, time.Hour)
		_ = b.do(t.Context(), 1, errBusy)
		time.Sleep(time.Minute + 1)
		if calls := b.waiting(t.Context(), 3, time.Second, time.Millisecond); calls != 3 || !b.IsOpen() {
			t.Errorf("%d calls were made, and it is open: %v", calls, b.IsOpen())
		}
		if err := b.do(t.Context(), 1, nil); err != nil || b.IsOpen() {
			t.Errorf("%v after a trial that succeeded", err)
		}
	})
}

// A timeout of the call itself counts, however fast it is.
func TestBreakerIsOpenedByTimeoutsOfTheCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, retry.BreakerConfig{Failures: 2})
		b.waiting(t.Context(), 1, time.Second, time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		for range 5 {
			_ = b.Do(ctx, func(ctx context.Context) error {
				b.calls++
				ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
				defer cancel()
				<-ctx.Done()
				return ctx.Err()
			})
		}
		if b.calls != 3 || !b.IsOpen() {
			t.Errorf("open after %d calls: %v", b.calls, b.IsOpen())
		}
	})
}

func TestBreakerInsideAPolicyWaitsForTheCooldown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, retry.BreakerConfig{Failures: 1})
		_ = b.do(t.Context(), 1, errBusy)
		start := time.Now()
		err := retry.Policy{Delay: time.Millisecond}.Do(t.Context(), func(ctx context.Context) error { return b.do(ctx, 1, nil) })
		if waited := time.Since(start).Truncate(time.Second); err != nil || waited != time.Minute {
			t.Errorf("Do = %v after %s, want success after the cooldown of a minute", err, waited)
		}
	})
}

func TestBreakerSurvivesAPanickingTrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, retry.BreakerConfig{Failures: 1})
		panicking := func() {
			defer func() { _ = recover() }()
			_ = b.Do(t.Context(), func(context.Context) error { panic("bug") })
		}
		panicking()
		if err := b.do(t.Context(), 1, nil); !errors.Is(err, retry.ErrOpen) {
			t.Errorf("%v: a panic counts as a success", err)
		}
		time.Sleep(time.Minute + 1)
		panicking()
		time.Sleep(time.Minute + 1)
		if err := b.do(t.Context(), 1, nil); err != nil {
			t.Errorf("%v: a panic took the place of the trial call for ever", err)
		}
	})
}

func TestBreakerConfigIsChecked(t *testing.T) {
	for _, c := range []retry.BreakerConfig{{Failures: -1}, {Cooldown: -1}} {
		if _, err := retry.NewBreaker("x", c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}
