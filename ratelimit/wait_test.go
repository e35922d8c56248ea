package ratelimit_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/ratelimit"
)

// turnstile notes the order in which calls pass a limiter.
type turnstile struct {
	*ratelimit.Limiter
	t     *testing.T
	calls sync.WaitGroup
	mu    sync.Mutex
	order []string
	at    map[string]time.Duration
	start time.Time
}

func newTurnstile(t *testing.T, c ratelimit.Config) *turnstile {
	t.Helper()
	return &turnstile{Limiter: newLimiter(t, c), t: t, at: make(map[string]time.Duration), start: time.Now()}
}

// queue has a call wait, and returns when it does or has passed.
func (s *turnstile) queue(name string, p ratelimit.Priority, cost ratelimit.Cost) {
	s.calls.Go(func() {
		if err := s.WaitPriority(s.t.Context(), p, cost); err != nil {
			s.t.Errorf("%s: %v", name, err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.order = append(s.order, name)
		s.at[name] = time.Since(s.start)
	})
	synctest.Wait()
}

func TestLateUrgentCallGoesNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTurnstile(t, ratelimit.Per(60, time.Minute))
		for range 100 {
			s.queue("low", ratelimit.PriorityLow, request)
		}
		s.queue("critical", ratelimit.PriorityCritical, request)
		s.calls.Wait()
		if i := slices.Index(s.order, "critical"); i != 1 || s.at["critical"] > 2*time.Second {
			t.Errorf("the urgent call was number %d after %s, want right after the one that had passed", i, s.at["critical"])
		}
	})
}

func TestEqualsPassInTheOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTurnstile(t, ratelimit.Per(60, time.Minute))
		names := []string{"a", "b", "c", "d", "e"}
		for _, name := range names {
			s.queue(name, ratelimit.PriorityNormal, request)
		}
		s.calls.Wait()
		if !slices.Equal(s.order, names) {
			t.Errorf("order %v", s.order)
		}
	})
}

func TestLowPriorityPassesUnderAConstantStreamOfUrgentCalls(t *testing.T) {
	for _, test := range []struct {
		aging  time.Duration
		passes bool
	}{{5 * time.Minute, true}, {-1, false}} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(t, ratelimit.Config{Requests: 60, Aging: test.aging})
			ctx, cancel := context.WithCancel(t.Context())
			var urgent sync.WaitGroup
			for range 10 {
				urgent.Go(func() {
					for l.WaitPriority(ctx, ratelimit.PriorityHigh, request) == nil {
					}
				})
			}
			synctest.Wait()
			start := time.Now()
			low, stop := context.WithTimeout(ctx, time.Hour)
			defer stop()
			err := l.WaitPriority(low, ratelimit.PriorityNormal, request)
			if waited := time.Since(start); (err == nil) != test.passes || test.passes && waited > 6*time.Minute {
				t.Errorf("aging %s: %v after %s", test.aging, err, waited)
			}
			cancel()
			urgent.Wait()
		})
	}
}

func TestSmallCallsDoNotStarveADearOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTurnstile(t, ratelimit.Config{InputTokens: 60_000})
		small := ratelimit.Cost{InputTokens: 500}
		s.queue("drain", ratelimit.PriorityNormal, ratelimit.Cost{InputTokens: 1000})
		s.queue("dear", ratelimit.PriorityNormal, ratelimit.Cost{InputTokens: 30_000})
		for range 200 {
			s.queue("small", ratelimit.PriorityNormal, small)
		}
		s.calls.Wait()
		if s.order[1] != "dear" || s.at["dear"] > 2*time.Second {
			t.Errorf("the dear call passed after %s, at place %d", s.at["dear"], slices.Index(s.order, "dear"))
		}
	})
}

func TestCancelledWaitTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTurnstile(t, ratelimit.Per(60, time.Minute))
		s.queue("first", ratelimit.PriorityNormal, request)
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		var calls sync.WaitGroup
		calls.Go(func() {
			if err := s.WaitPriority(ctx, ratelimit.PriorityCritical, ratelimit.Cost{Requests: 30}); !errors.Is(err, gone) {
				t.Errorf("Wait = %v, want the cause", err)
			}
		})
		synctest.Wait()
		s.queue("behind", ratelimit.PriorityNormal, request)
		cancel(gone)
		calls.Wait()
		s.calls.Wait()
		if s.at["behind"] > 1100*time.Millisecond {
			t.Errorf("the call behind passed after %s, want as if the cancelled one had never been", s.at["behind"])
		}
		if err := s.Wait(ctx, ratelimit.Cost{}); !errors.Is(err, gone) {
			t.Errorf("Wait with a done context = %v", err)
		}
	})
}

func TestLeavingTheHeadOfTheQueueFreesTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTurnstile(t, ratelimit.Config{Requests: 600, InputTokens: 60_000})
		s.queue("debt", ratelimit.PriorityNormal, ratelimit.Cost{InputTokens: 60_000})
		ctx, cancel := context.WithCancel(t.Context())
		s.calls.Go(func() { _ = s.Wait(ctx, ratelimit.Cost{InputTokens: 1000}) })
		synctest.Wait()
		s.queue("next", ratelimit.PriorityNormal, request)
		cancel()
		s.calls.Wait()
		if s.at["next"] != 0 {
			t.Errorf("passed after %s, though it lacked nothing", s.at["next"])
		}
	})
}

func TestTryTakeDoesNotOvertake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTurnstile(t, ratelimit.Config{Requests: 600, InputTokens: 60_000})
		s.queue("debt", ratelimit.PriorityNormal, ratelimit.Cost{InputTokens: 2000})
		s.queue("head", ratelimit.PriorityNormal, ratelimit.Cost{InputTokens: 1000})
		if wait, ok := s.TryTake(time.Now(), request); ok || wait <= 0 {
			t.Errorf("TryTake = %s, %v with a call waiting; want its wait", wait, ok)
		}
		s.calls.Wait()
		if _, ok := s.TryTake(time.Now(), request); !ok {
			t.Error("refused with nobody waiting")
		}
	})
}

func TestDoNeverExceedsItsSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, ratelimit.Config{Slots: 3})
		var mu sync.Mutex
		var calls sync.WaitGroup
		running, most := 0, 0
		for range 50 {
			calls.Go(func() {
				cost := ratelimit.Cost{Requests: 1, Slots: 1}
				_ = l.Do(t.Context(), cost, func(context.Context) (ratelimit.Cost, error) {
					mu.Lock()
					running++
					most = max(most, running)
					mu.Unlock()
					time.Sleep(time.Second)
					mu.Lock()
					running--
					mu.Unlock()
					return request, nil
				})
			})
		}
		start := time.Now()
		calls.Wait()
		if took := time.Since(start); most != 3 || took != 17*time.Second {
			t.Errorf("%d at the same time in %s, want 3 and 17s for 50 seconds of work", most, took)
		}
	})
}

func TestDoSettlesWhatTheCallUsed(t *testing.T) {
	failed := errors.New("failed")
	estimate := ratelimit.Cost{InputTokens: 1000, Slots: 1}
	for name, test := range map[string]struct {
		used ratelimit.Cost
		err  error
		free int // tokens that are free again
	}{
		"less":              {used: ratelimit.Cost{InputTokens: 400}, free: 600},
		"all":               {used: estimate},
		"failed":            {err: failed},
		"failed, with cost": {used: ratelimit.Cost{InputTokens: 100}, err: failed, free: 900},
	} {
		l := newLimiter(t, ratelimit.Config{InputTokens: 60_000, Slots: 1})
		if err := l.Do(t.Context(), estimate, func(context.Context) (ratelimit.Cost, error) { return test.used, test.err }); !errors.Is(err, test.err) {
			t.Errorf("%s: Do = %v", name, err)
		}
		// Real time may have passed: a hundred tokens are a tenth of a second.
		_, fits := l.TryTake(time.Now(), ratelimit.Cost{InputTokens: test.free, Slots: 1})
		_, more := l.TryTake(time.Now(), ratelimit.Cost{InputTokens: 300})
		if !fits || more {
			t.Errorf("%s: %d tokens and a slot free is %v, 300 more is %v", name, test.free, fits, more)
		}
	}
}

func TestDoFreesTheSlotOfAPanickingCall(t *testing.T) {
	l := newLimiter(t, ratelimit.Config{Slots: 1})
	func() {
		defer func() { _ = recover() }()
		_ = l.Do(t.Context(), ratelimit.Cost{Slots: 1}, func(context.Context) (ratelimit.Cost, error) { panic("bug") })
	}()
	if _, ok := l.TryTake(time.Now(), ratelimit.Cost{Slots: 1}); !ok {
		t.Error("the slot is lost")
	}
}

func TestPenaltyWakesNobodyEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTurnstile(t, ratelimit.Per(60, time.Minute))
		s.queue("first", ratelimit.PriorityNormal, request)
		s.queue("second", ratelimit.PriorityNormal, request)
		s.Penalize(time.Now().Add(20 * time.Second))
		s.calls.Wait()
		if s.at["second"] != 20*time.Second {
			t.Errorf("passed after %s, want at the end of the penalty", s.at["second"])
		}
	})
}
