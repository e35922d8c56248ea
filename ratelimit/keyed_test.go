package ratelimit_test

import (
	"context"
	"errors"
	"net"
	"net/http"
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
	for _, test := range []struct {
		header, value string
		takes         bool
	}{
		{"X-Ratelimit-Remaining-Requests", "3", false},
		{"X-Ratelimit-Remaining-Requests", "300", true},
		{"X-Ratelimit-Remaining-Tokens", "0", false},
		{"Anthropic-Ratelimit-Requests-Remaining", "9", false},
		{"Anthropic-Ratelimit-Input-Tokens-Remaining", "999", false},
		{"Anthropic-Ratelimit-Input-Tokens-Remaining", "1000", true},
		{"Anthropic-Ratelimit-Output-Tokens-Remaining", "5", false},
		{"X-Ratelimit-Remaining-Requests", "-1", true},
		{"X-Ratelimit-Remaining-Requests", "few", true},
		{"X-Ratelimit-Limit-Requests", "1", true},
	} {
		l := newLimiter(t, ratelimit.Config{Requests: 600, InputTokens: 60_000, OutputTokens: 6000})
		now := time.Now()
		l.TryTake(now, ratelimit.Cost{})
		l.Observe(http.Header{test.header: {test.value}})
		if _, ok := l.TryTake(now, full); ok != test.takes {
			t.Errorf("%s: %s: a full burst passes is %v, want %v", test.header, test.value, ok, test.takes)
		}
	}
}

func FuzzObserve(f *testing.F) {
	f.Add("300", "0")
	f.Add("9223372036854775808", "-1")
	f.Fuzz(func(t *testing.T, requests, tokens string) {
		l := newLimiter(t, ratelimit.Config{Requests: 600, InputTokens: 60_000})
		l.Observe(http.Header{"X-Ratelimit-Remaining-Requests": {requests}, "X-Ratelimit-Remaining-Tokens": {tokens}})
		now := time.Now()
		if wait, ok := l.TryTake(now, ratelimit.Cost{Requests: 1, InputTokens: 1}); !ok && wait > 2*time.Second {
			t.Errorf("waits %s: a header can stop the limiter", wait)
		}
	})
}
