package ratelimit_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/balerhq/baler/ratelimit"
)

// Each test here shows what the obvious use of x/time/rate does, and that a
// Limiter does not. If a first half fails, the library has changed and the
// reason not to build on it is gone.

func TestTrapDearCallNeverPasses(t *testing.T) {
	naive := rate.NewLimiter(100, 6000)
	if err := naive.WaitN(t.Context(), 20_000); err == nil {
		t.Error("naive: expected a call above the burst to be refused for ever")
	}
	ours := newLimiter(t, ratelimit.Config{InputTokens: 6000})
	if err := ours.Wait(t.Context(), ratelimit.Cost{InputTokens: 20_000}); err != nil {
		t.Errorf("ours: %v", err)
	}
}

func TestTrapRequestIsSpentThoughTokensLack(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	requests, tokens := rate.NewLimiter(1, 1), rate.NewLimiter(1, 1000)
	tokens.AllowN(time.Now(), 1000)
	if requests.Wait(ctx) != nil || tokens.WaitN(ctx, 500) == nil || requests.Allow() {
		t.Error("naive: expected the request to be gone although the call never was")
	}
	ours := newLimiter(t, ratelimit.Config{Requests: 60, InputTokens: 60_000})
	now := time.Now()
	ours.TryTake(now, ratelimit.Cost{InputTokens: 1000})
	if _, ok := ours.TryTake(now, ratelimit.Cost{Requests: 1, InputTokens: 500}); ok {
		t.Error("ours: took tokens that were not there")
	}
	if _, ok := ours.TryTake(now, request); !ok {
		t.Error("ours: the request is gone")
	}
}

func TestTrapCancelRefundsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		naive := rate.NewLimiter(1, 1)
		naive.Allow()
		older := naive.ReserveN(time.Now(), 1)
		naive.ReserveN(time.Now(), 1)
		before := naive.Tokens()
		older.Cancel()
		if after := naive.Tokens(); after != before {
			t.Errorf("naive: %v tokens, then %v; expected no refund of a reservation that is not the newest", before, after)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newTurnstile(t, ratelimit.Per(60, time.Minute))
		s.queue("first", ratelimit.PriorityNormal, request)
		ctx, cancel := context.WithCancel(t.Context())
		s.calls.Go(func() { _ = s.Wait(ctx, request) })
		synctest.Wait()
		s.queue("newer", ratelimit.PriorityNormal, request)
		cancel()
		s.calls.Wait()
		if s.at["newer"] > 1100*time.Millisecond {
			t.Errorf("ours: the newer call passed after %s, as if the cancelled one had", s.at["newer"])
		}
	})
}

func TestTrapPriorityInversion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		naive := rate.NewLimiter(1, 1)
		for range 100 {
			naive.Reserve() // of low priority
		}
		if wait := naive.Reserve().Delay(); wait < 99*time.Second {
			t.Errorf("naive: the urgent call waits %s, expected it behind all others", wait)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newTurnstile(t, ratelimit.Per(60, time.Minute))
		for range 100 {
			s.queue("low", ratelimit.PriorityLow, request)
		}
		s.queue("urgent", ratelimit.PriorityHigh, request)
		s.calls.Wait()
		if s.at["urgent"] > 2*time.Second {
			t.Errorf("ours: the urgent call waited %s", s.at["urgent"])
		}
	})
}

func TestTrapHigherLimitDoesNotReachThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		naive := rate.NewLimiter(1, 10)
		naive.AllowN(time.Now(), 10)
		start := time.Now()
		done := make(chan struct{})
		go func() { _ = naive.WaitN(t.Context(), 10); close(done) }()
		synctest.Wait()
		naive.SetLimit(1000)
		<-done
		if waited := time.Since(start); waited != 10*time.Second {
			t.Errorf("naive: waited %s, expected the 10s of the old limit", waited)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newTurnstile(t, ratelimit.Config{InputTokens: 6000})
		dear := ratelimit.Cost{InputTokens: 10_000}
		s.queue("first", ratelimit.PriorityNormal, dear)
		s.queue("second", ratelimit.PriorityNormal, dear)
		if err := s.Update(ratelimit.Config{InputTokens: 6_000_000}); err != nil {
			t.Fatal(err)
		}
		s.calls.Wait()
		if s.at["second"] > 300*time.Millisecond {
			t.Errorf("ours: waited %s, want as at the new limit", s.at["second"])
		}
	})
}

// A negative reservation, which looks like a refund, is undocumented; all that
// the documentation offers is Cancel.
func TestTrapEstimateCannotBeCorrected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		naive := rate.NewLimiter(1, 1000)
		estimate := naive.ReserveN(time.Now(), 1000)
		time.Sleep(time.Second)
		estimate.Cancel()
		if naive.Tokens() > 10 {
			t.Errorf("naive: %v tokens, expected no refund once the call has begun", naive.Tokens())
		}
		ours := newLimiter(t, ratelimit.Config{InputTokens: 60_000})
		taken := ratelimit.Cost{InputTokens: 1000}
		ours.TryTake(time.Now(), taken)
		time.Sleep(time.Millisecond)
		ours.Settle(taken, ratelimit.Cost{InputTokens: 100})
		if _, ok := ours.TryTake(time.Now(), ratelimit.Cost{InputTokens: 900}); !ok {
			t.Error("ours: unused tokens did not come back")
		}
	})
}

func TestTrapBurstOfAMinuteDoublesTheFirst(t *testing.T) {
	minute := func(c contestant) (passed int) {
		start := time.Unix(1_800_000_000, 0)
		for now := start; now.Sub(start) < time.Minute; {
			wait, ok := c.TryTake(now, request)
			if ok {
				passed++
			}
			now = now.Add(wait)
		}
		return passed
	}
	naive := &xrate{requests: rate.NewLimiter(1, 60), tokens: rate.NewLimiter(rate.Inf, 0)}
	if passed := minute(naive); passed != 119 {
		t.Errorf("naive: %d calls in the first minute at 60 a minute, expected 119", passed)
	}
	if passed := minute(newLimiter(t, ratelimit.Per(60, time.Minute))); passed > 60 || passed < 59 {
		t.Errorf("ours: %d calls in the first minute at 60 a minute", passed)
	}
}
