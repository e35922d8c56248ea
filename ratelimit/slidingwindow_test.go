package ratelimit_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/balerhq/baler/ratelimit"
)

// Once it was turned down, a limiter lets no more pass in any second than a
// sixtieth of the limit, and nothing is refused twice.
func TestNoSecondExceedsItsShareAfterARejection(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := ratelimit.Config{
			Requests:    60 * rapid.IntRange(1, 200).Draw(rt, "requests"),
			InputTokens: 60 * rapid.IntRange(100, 10_000).Draw(rt, "tokens"),
		}
		l := newLimiter(t, limit)
		now := time.Unix(1_800_000_000, 0)
		together(l, now)
		l.Penalize(now)
		pause := rapid.SampledFrom([]time.Duration{0, time.Millisecond, 20 * time.Millisecond, time.Second}).Draw(rt, "pause")
		var passed []arrival
		for range rapid.IntRange(1, 400).Draw(rt, "calls") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(pause)).Draw(rt, "pause")))
			cost := ratelimit.Cost{Requests: 1, InputTokens: rapid.IntRange(0, limit.InputTokens/60).Draw(rt, "tokens")}
			if wait, ok := l.TryTake(now, cost); !ok {
				now = now.Add(wait)
				if _, ok := l.TryTake(now, cost); !ok {
					rt.Fatalf("refused again after the wait of %s", wait)
				}
			}
			passed = append(passed, arrival{now, cost})
			if used := usedSince(passed, now.Add(-time.Second)); used.Requests > limit.Requests/60 || used.InputTokens > limit.InputTokens/60 {
				rt.Fatalf("a second holds %+v, the limit is %+v a minute", used, limit)
			}
		}
	})
}

func TestLimiterBySecondAllocatesNothing(t *testing.T) {
	l := newLimiter(t, ratelimit.Config{Requests: 60_000, InputTokens: 60_000_000})
	now := time.Unix(1_800_000_000, 0)
	l.TryTake(now, request)
	l.Penalize(now)
	if n := testing.AllocsPerRun(10_000, func() {
		now = now.Add(500 * time.Microsecond)
		l.TryTake(now, ratelimit.Cost{Requests: 1, InputTokens: 700})
	}); n > 0 {
		t.Errorf("%v allocations per call", n)
	}
}
