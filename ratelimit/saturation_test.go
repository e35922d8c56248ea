package ratelimit_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/balerhq/baler/ratelimit"
)

// contestant paces calls to a provider.
type contestant interface {
	TryTake(now time.Time, cost ratelimit.Cost) (wait time.Duration, ok bool)
	Penalize(until time.Time)
}

// obedient has no limiter and waits only when it is told to.
type obedient struct{ until time.Time }

func (o *obedient) TryTake(now time.Time, _ ratelimit.Cost) (time.Duration, bool) {
	return o.until.Sub(now), !now.Before(o.until)
}

func (o *obedient) Penalize(until time.Time) { o.until = until }

// xrate is a pair of x/time/rate limiters with the burst that their
// documentation suggests, a minute's worth, behind a Retry-After.
type xrate struct {
	obedient
	requests, tokens *rate.Limiter
}

func newXRate() contestant {
	return &xrate{
		requests: rate.NewLimiter(requestsPerMinute/60, requestsPerMinute),
		tokens:   rate.NewLimiter(tokensPerMinute/60, tokensPerMinute),
	}
}

func (x *xrate) TryTake(now time.Time, cost ratelimit.Cost) (time.Duration, bool) {
	if wait, ok := x.obedient.TryTake(now, cost); !ok {
		return wait, false
	}
	if x.requests.TokensAt(now) < float64(cost.Requests) || x.tokens.TokensAt(now) < float64(cost.InputTokens) {
		return 10 * time.Millisecond, false
	}
	return 0, x.requests.AllowN(now, cost.Requests) && x.tokens.AllowN(now, cost.InputTokens)
}

func newOurs() contestant {
	l, err := ratelimit.NewLimiter(ratelimit.Config{Requests: requestsPerMinute, InputTokens: tokensPerMinute})
	if err != nil {
		panic(err)
	}
	return l
}

// result is what ten minutes of calls without a pause came to.
type result struct {
	use      float64 // of the tokens or requests that ten minutes allow, the scarcer
	rejected int
}

func (r result) String() string { return fmt.Sprintf("%.1f %%, %d × 429", 100*r.use, r.rejected) }

// saturate has c call p for ten minutes of virtual time, always with a next
// call at hand. The time of day at which it starts is drawn from seed, since
// windows are aligned to the clock.
func saturate(c contestant, newProvider func(time.Time) provider, cost func(*rand.Rand) ratelimit.Cost, seed uint64) result {
	const minutes = 10
	rng := rand.New(rand.NewPCG(seed, 0))
	start := time.Unix(1_800_000_000, rng.Int64N(int64(time.Minute)))
	p := newProvider(start)
	var r result
	var used ratelimit.Cost
	next := cost(rng)
	for now := start; now.Sub(start) < minutes*time.Minute; {
		if wait, ok := c.TryTake(now, next); !ok {
			now = now.Add(wait)
			continue
		}
		if wait, ok := p.admit(now, next); !ok {
			r.rejected++
			c.Penalize(now.Add(wait))
			continue
		}
		used.Requests += next.Requests
		used.InputTokens += next.InputTokens
		next = cost(rng)
	}
	r.use = max(float64(used.Requests)/(minutes*requestsPerMinute), float64(used.InputTokens)/(minutes*tokensPerMinute))
	return r
}

// even calls use up requests and tokens alike; uneven ones vary by a factor of
// nine.
func even(*rand.Rand) ratelimit.Cost { return ratelimit.Cost{Requests: 1, InputTokens: 1000} }

func uneven(rng *rand.Rand) ratelimit.Cost {
	return ratelimit.Cost{Requests: 1, InputTokens: 200 + rng.IntN(1601)}
}

var loads = []struct {
	name string
	cost func(*rand.Rand) ratelimit.Cost
}{{"even", even}, {"uneven", uneven}}

var providers = []struct {
	name         string
	new          func(time.Time) provider
	even, uneven goal
}{
	{"token bucket", newTokenBucket, goal{0.97, 0}, goal{0.97, 0}},
	{"fixed minute", newFixedWindow, goal{0.97, 0}, goal{0.97, 0}},
	{"sliding minute", newSlidingWindow, goal{0.97, 0}, goal{0.97, 0}},
	// A second of tokens fits 5 to 50 uneven calls, which cannot fill it.
	{"fixed second", newQuantised, goal{0.97, 2}, goal{0.88, 2}},
}

// goal is what the limiter has to reach: use and rejections.
type goal struct {
	use  float64
	most int
}

func (g goal) missed(r result) bool { return r.use < g.use || r.rejected > g.most }

func TestSaturation(t *testing.T) {
	for _, p := range providers {
		for seed := range uint64(10) {
			if r := saturate(newOurs(), p.new, even, seed); p.even.missed(r) {
				t.Errorf("%s, seed %d, even calls: %s; want %+v", p.name, seed, r, p.even)
			}
			if r := saturate(newOurs(), p.new, uneven, seed); p.uneven.missed(r) {
				t.Errorf("%s, seed %d, uneven calls: %s; want %+v", p.name, seed, r, p.uneven)
			}
		}
	}
}

// A provider that counts by the second is found out however much its
// rejections tell.
func TestSaturationOfAProviderThatTellsLittle(t *testing.T) {
	want := goal{0.88, 2}
	for name, p := range map[string]func(time.Time) provider{"whole seconds": newCoarse, "nothing": newSilent} {
		for seed := range uint64(10) {
			if r := saturate(newOurs(), p, uneven, seed); want.missed(r) {
				t.Errorf("tells %s, seed %d: %s; want %+v", name, seed, r, want)
			}
		}
	}
}

// The table of bench/README.md: go test -run Table -v ./ratelimit.
func TestSaturationTable(t *testing.T) {
	const row = "| %s | %s | %s | %s |\n"
	var table strings.Builder
	fmt.Fprintf(&table, "\n"+row, "provider really is, calls", "ours", "x/time/rate, burst 1 min", "no limiter, obey Retry-After")
	for _, p := range providers {
		for _, load := range loads {
			ours := saturate(newOurs(), p.new, load.cost, 1)
			theirs := saturate(newXRate(), p.new, load.cost, 1)
			none := saturate(new(obedient), p.new, load.cost, 1)
			fmt.Fprintf(&table, row, p.name+", "+load.name, ours, theirs, none)
			if ours.rejected > theirs.rejected || ours.rejected > none.rejected {
				t.Errorf("%s: %d rejections, more than %d with x/time/rate or %d without a limiter", p.name, ours.rejected, theirs.rejected, none.rejected)
			}
		}
	}
	t.Log(table.String())
}
