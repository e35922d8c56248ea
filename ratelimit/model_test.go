package ratelimit_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/balerhq/baler/ratelimit"
)

// Whatever calls come and whenever, no window of a minute holds more than the
// limits, and nothing is refused twice: after the wait that it was told, a call
// passes.
func TestNoWindowExceedsItsLimits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := ratelimit.Config{
			Requests:    rapid.IntRange(60, 6000).Draw(rt, "requests"),
			InputTokens: rapid.IntRange(6000, 600_000).Draw(rt, "tokens"),
		}
		l := newLimiter(t, limit)
		now := time.Unix(1_800_000_000, 0)
		var passed []arrival
		for range rapid.IntRange(1, 300).Draw(rt, "calls") {
			now = now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(rt, "pause")) * time.Millisecond)
			// Not above the burst of a second, see Wait.
			cost := ratelimit.Cost{
				Requests:    1,
				InputTokens: rapid.IntRange(0, limit.InputTokens/60).Draw(rt, "tokens"),
			}
			if wait, ok := l.TryTake(now, cost); !ok {
				now = now.Add(wait)
				if _, ok := l.TryTake(now, cost); !ok {
					rt.Fatalf("refused again after the wait of %s", wait)
				}
			}
			passed = append(passed, arrival{now, cost})
			if used := usedSince(passed, now.Add(-time.Minute)); used.Requests > limit.Requests || used.InputTokens > limit.InputTokens {
				rt.Fatalf("a minute holds %+v, the limit is %+v", used, limit)
			}
		}
	})
}

func usedSince(passed []arrival, start time.Time) (sum ratelimit.Cost) {
	for _, a := range passed {
		if a.at.After(start) {
			sum.Requests += a.cost.Requests
			sum.InputTokens += a.cost.InputTokens
		}
	}
	return sum
}

// Settling, penalties and headers in any order neither lose a slot nor create
// one, and never leave more than a burst.
func TestNothingIsCreatedOrLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const slots, burst = 4, 1000
		l := newLimiter(t, ratelimit.Config{InputTokens: 60 * burst, Slots: slots})
		now := time.Unix(1_800_000_000, 0)
		var running []ratelimit.Cost
		rt.Repeat(map[string]func(*rapid.T){
			"take": func(rt *rapid.T) {
				cost := ratelimit.Cost{InputTokens: rapid.IntRange(0, 2*burst).Draw(rt, "tokens"), Slots: 1}
				if _, ok := l.TryTake(now, cost); ok {
					running = append(running, cost)
				}
			},
			"settle": func(rt *rapid.T) {
				if len(running) == 0 {
					rt.Skip()
				}
				l.Settle(running[0], ratelimit.Cost{InputTokens: rapid.IntRange(0, 3*burst).Draw(rt, "used")})
				running = running[1:]
			},
			"penalize": func(*rapid.T) { l.Penalize(now.Add(time.Second)) },
			"wait":     func(*rapid.T) { now = now.Add(time.Second) },
			"": func(rt *rapid.T) {
				if len(running) > slots {
					rt.Fatalf("%d calls in %d slots", len(running), slots)
				}
			},
		})
		now = now.Add(time.Hour)
		for range running {
			l.Settle(ratelimit.Cost{Slots: 1}, ratelimit.Cost{})
		}
		for i := range slots {
			if _, ok := l.TryTake(now, ratelimit.Cost{Slots: 1}); !ok {
				rt.Fatalf("slot %d is lost", i)
			}
		}
		if _, ok := l.TryTake(now, ratelimit.Cost{InputTokens: burst + 1}); !ok {
			rt.Fatal("a full bucket refused")
		}
		if _, ok := l.TryTake(now, ratelimit.Cost{InputTokens: 1}); ok {
			rt.Fatal("more than a burst after a quiet hour")
		}
	})
}
