package ratelimit_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/ratelimit"
)

func kindOf(task string) string { kind, _, _ := strings.Cut(task, "-"); return kind }

func TestEachKindHasItsOwnParallelism(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kinds, err := ratelimit.ByKey(kindOf, map[string]ratelimit.Config{"slow": {Slots: 1}}, ratelimit.Config{Slots: 2})
		if err != nil {
			t.Fatal(err)
		}
		var calls sync.WaitGroup
		start := time.Now()
		ended := make(map[string]time.Duration)
		var mu sync.Mutex
		for _, task := range []string{"slow-1", "slow-2", "fast-1", "fast-2", "fast-3", "other-1"} {
			calls.Go(func() {
				_ = kinds.Do(t.Context(), task, func(context.Context) error { time.Sleep(time.Second); return nil })
				mu.Lock()
				defer mu.Unlock()
				ended[kindOf(task)] = time.Since(start)
			})
		}
		calls.Wait()
		if ended["slow"] != 2*time.Second || ended["fast"] != 2*time.Second || ended["other"] != time.Second {
			t.Errorf("last of each kind: %v; want slow 2s, fast 2s, other 1s", ended)
		}
		if kinds.Limiter("slow-1") != kinds.Limiter("slow-2") || kinds.Limiter("slow-1") == kinds.Limiter("fast-1") {
			t.Error("limiters are not one per kind")
		}
	})
}

func TestEachKindHasItsOwnTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kinds, err := ratelimit.ByKey(kindOf, map[string]ratelimit.Config{"quick": {Timeout: time.Second}}, ratelimit.Config{})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		err = kinds.Do(t.Context(), "quick-1", func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) })
		var timeout *ratelimit.TimeoutError
		var failed net.Error
		if !errors.As(err, &timeout) || !errors.As(err, &failed) || !failed.Timeout() || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %s, want a timeout of 1s", err, time.Since(start))
		}
		if err := kinds.Do(t.Context(), "patient-1", func(context.Context) error { time.Sleep(time.Hour); return nil }); err != nil {
			t.Errorf("a kind without a timeout: %v", err)
		}
	})
}

func TestWrongKindIsNamed(t *testing.T) {
	bad := ratelimit.Config{Slots: -1}
	if _, err := ratelimit.ByKey(kindOf, map[string]ratelimit.Config{"odd": bad}, ratelimit.Config{}); err == nil || !strings.Contains(err.Error(), "odd") {
		t.Errorf("%v does not name the key", err)
	}
	if _, err := ratelimit.ByKey[string, string](kindOf, nil, bad); err == nil || !strings.Contains(err.Error(), "fallback") {
		t.Errorf("%v does not name the fallback", err)
	}
}

func TestObserveOnlyLowers(t *testing.T) {
	full := ratelimit.Cost{Requests: 10, InputTokens: 1000, OutputTokens: 100}
	for name, test := range map[string]struct {
		left  ratelimit.Remaining
		takes bool
	}{
		"fewer requests":         {ratelimit.ParseRemaining("3", "", ""), false},
		"more requests":          {ratelimit.ParseRemaining("300", "", ""), true},
		"no input tokens":        {ratelimit.ParseRemaining("", "0", ""), false},
		"fewer input tokens":     {ratelimit.ParseRemaining("", "999", ""), false},
		"as many input tokens":   {ratelimit.ParseRemaining("", "1000", ""), true},
		"fewer output tokens":    {ratelimit.ParseRemaining("", "", "5"), false},
		"one limit of three":     {ratelimit.ParseRemaining("300", "9999", "99"), false},
		"nothing":                {ratelimit.Remaining{}, true},
		"a negative header":      {ratelimit.ParseRemaining("-1", "-1", "-1"), true},
		"an unreadable header":   {ratelimit.ParseRemaining("few", "1e3", " 1"), true},
		"too large for a number": {ratelimit.ParseRemaining("9223372036854775808", "", ""), true},
		"a negative field":       {ratelimit.Remaining{Requests: new(-5)}, false},
	} {
		l := newLimiter(t, ratelimit.Config{Requests: 600, InputTokens: 60_000, OutputTokens: 6000})
		now := time.Now()
		l.TryTake(now, ratelimit.Cost{})
		l.Observe(test.left)
		if _, ok := l.TryTake(now, full); ok != test.takes {
			t.Errorf("%s: a full burst passes is %v, want %v", name, ok, test.takes)
		}
	}
}

func FuzzObserve(f *testing.F) {
	f.Add("300", "0")
	f.Add("9223372036854775808", "-1")
	f.Fuzz(func(t *testing.T, requests, tokens string) {
		l := newLimiter(t, ratelimit.Config{Requests: 600, InputTokens: 60_000})
		l.Observe(ratelimit.ParseRemaining(requests, tokens, ""))
		now := time.Now()
		if wait, ok := l.TryTake(now, ratelimit.Cost{Requests: 1, InputTokens: 1}); !ok && wait > 2*time.Second {
			t.Errorf("waits %s: a reply can stop the limiter", wait)
		}
	})
}
