package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/ratelimit"
)

type tenantCall struct {
	tenant string
	n      int
}

func tenantOf(c tenantCall) string { return c.tenant }

var _ flow.Stage[tenantCall, tenantCall] = (*ratelimit.KeyStage[tenantCall])(nil)

// everySecond lets each key have one call a second, and none saved up.
func everySecond(string) ratelimit.Config { return ratelimit.Per(60, time.Minute) }

// callsOf returns n calls of a tenant.
func callsOf(tenant string, n int) []tenantCall {
	calls := make([]tenantCall, n)
	for i := range calls {
		calls[i] = tenantCall{tenant, i}
	}
	return calls
}

// passage is what came out of a stage, and when.
type passage struct {
	call tenantCall
	at   time.Duration
}

// keyRun runs a stage until its input has ended, and returns what came out.
func keyRun(t *testing.T, s *ratelimit.KeyStage[tenantCall], feed func(in chan<- []tenantCall)) []passage {
	t.Helper()
	in, out, done := make(chan []tenantCall), make(chan []tenantCall), make(chan error, 1)
	go func() {
		defer close(in)
		feed(in)
	}()
	go func() {
		defer close(out)
		done <- s.Run(t.Context(), in, out)
	}()
	start := time.Now()
	var got []passage
	for calls := range out {
		for _, c := range calls {
			got = append(got, passage{c, time.Since(start)})
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAKeyThatWaitsHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{Limits: everySecond})
		got := keyRun(t, s, func(in chan<- []tenantCall) {
			in <- callsOf("busy", 100)
			time.Sleep(500 * time.Millisecond)
			in <- callsOf("quiet", 2)
		})
		next := map[string]int{}
		for _, p := range got {
			n := next[p.call.tenant]
			earliest := time.Duration(n) * time.Second
			if p.call.tenant == "quiet" {
				earliest += 500 * time.Millisecond
			}
			if p.call.n != n || p.at < earliest || p.at > earliest+2*time.Second+time.Duration(n)*20*time.Millisecond {
				t.Errorf("call %d of %s came as number %d after %s", p.call.n, p.call.tenant, n, p.at)
			}
			next[p.call.tenant]++
		}
		if d := cmp.Diff(map[string]int{"busy": 100, "quiet": 2}, next); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(ratelimit.PaceStats{Passed: 102}, s.Stats()); d != "" {
			t.Error(d)
		}
	})
}

// Whatever comes when, nothing is lost, each key keeps its order, and no window
// holds more of a key than its limit.
func TestKeysKeepTheirOrderAndTheirLimits(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1))
				limits := func(key string) ratelimit.Config { return ratelimit.Per(len(key), time.Second) }
				sent := map[string]int{}
				got := keyRun(t, ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{Limits: limits, MaxQueued: 50, MaxKeys: 5}),
					func(in chan<- []tenantCall) {
						for range 60 {
							var calls []tenantCall
							for range 1 + random.IntN(20) {
								tenant := strings.Repeat("x", 1+random.IntN(8))
								calls = append(calls, tenantCall{tenant, sent[tenant]})
								sent[tenant]++
							}
							in <- calls
							time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
						}
					})
				passed := map[string][]time.Duration{}
				for _, p := range got {
					times := passed[p.call.tenant]
					if p.call.n != len(times) {
						t.Fatalf("call %d of %s came as number %d", p.call.n, p.call.tenant, len(times))
					}
					passed[p.call.tenant] = append(times, p.at)
					limit := len(p.call.tenant)
					if first := len(times) - limit; first >= 0 && p.at-times[first] < time.Second {
						t.Fatalf("%d calls of %s in %s", limit+1, p.call.tenant, p.at-times[first])
					}
				}
				for tenant, n := range sent {
					if len(passed[tenant]) != n {
						t.Errorf("%d of %d calls of %s came", len(passed[tenant]), n, tenant)
					}
				}
			})
		})
	}
}

func TestWhatHasNoRoomOverflows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var over []tenantCall
		var last *ratelimit.FullError
		s := ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{
			Limits: everySecond, MaxQueued: 3, MaxKeys: 2,
			Overflow: func(c tenantCall, err error) {
				over = append(over, c)
				if !errors.As(err, &last) {
					t.Error(err)
				}
			},
		})
		got := keyRun(t, s, func(in chan<- []tenantCall) {
			in <- callsOf("a", 6)
			time.Sleep(time.Millisecond)
			if d := cmp.Diff(ratelimit.PaceStats{Passed: 1, Overflowed: 2, Keys: 1, Queued: 3}, s.Stats()); d != "" {
				t.Error(d)
			}
			if *last != (ratelimit.FullError{Key: "a", Queued: 3}) {
				t.Errorf("got %v", last)
			}
			in <- callsOf("b", 1)
			in <- callsOf("c", 1)
			time.Sleep(time.Minute) // both keys are forgotten
			in <- callsOf("c", 1)
		})
		if d := cmp.Diff([]tenantCall{{"a", 4}, {"a", 5}, {"c", 0}}, over, cmp.AllowUnexported(tenantCall{})); d != "" {
			t.Error(d)
		}
		if *last != (ratelimit.FullError{Key: "c"}) || len(got) != 6 {
			t.Errorf("got %v and %d calls", last, len(got))
		}
	})
}

func TestWithoutOverflowWhatHasNoRoomWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{Limits: everySecond, MaxQueued: 2, MaxKeys: 1})
		got := keyRun(t, s, func(in chan<- []tenantCall) {
			in <- append(callsOf("a", 5), callsOf("b", 2)...)
			if s.Stats().Queued > 2 {
				t.Errorf("%+v", s.Stats())
			}
		})
		var order []tenantCall
		for _, p := range got {
			order = append(order, p.call)
		}
		if d := cmp.Diff(append(callsOf("a", 5), callsOf("b", 2)...), order, cmp.AllowUnexported(tenantCall{})); d != "" {
			t.Error(d)
		}
	})
}

// A key that comes back at once has no fresh limits, and one that stays away is
// forgotten.
func TestAKeyIsForgottenOnlyWhenThatChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		s := ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{Limits: func(string) ratelimit.Config {
			made++
			return ratelimit.Per(1, time.Hour)
		}})
		got := keyRun(t, s, func(in chan<- []tenantCall) {
			in <- callsOf("a", 1)
			time.Sleep(59 * time.Minute)
			in <- callsOf("a", 1)
			time.Sleep(30 * time.Minute)
			if n := s.Stats().Keys; n != 1 || made != 1 {
				t.Errorf("%d keys are known, and limits were asked for %d times", n, made)
			}
			time.Sleep(2 * time.Hour)
			if n := s.Stats().Keys; n != 0 {
				t.Errorf("%d keys are known", n)
			}
			in <- callsOf("a", 1)
		})
		if len(got) != 3 || got[1].at < time.Hour || made != 2 {
			t.Errorf("got %v, and limits were asked for %d times", got, made)
		}
	})
}

// What waited for the next stage does not pass in a burst after it.
func TestASlowReaderGetsNoBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{Limits: everySecond})
		in, out, done := make(chan []tenantCall), make(chan []tenantCall), make(chan error, 1)
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() { done <- s.Run(ctx, in, out) }()
		in <- callsOf("a", 10)
		time.Sleep(10 * time.Second)
		in <- callsOf("b", 1) // it receives all the same
		if first := <-out; len(first) != 1 {
			t.Errorf("%d calls at first", len(first))
		}
		if second := <-out; len(second) != 2 {
			t.Errorf("%d calls then, want one of either key", len(second))
		}
		cancel(errStop)
		if err := <-done; !errors.Is(err, errStop) {
			t.Error(err)
		}
		if d := cmp.Diff(ratelimit.PaceStats{Passed: 3}, s.Stats()); d != "" {
			t.Errorf("a run that has ended holds something: %s", d)
		}
	})
}

var errStop = errors.New("stop")

func TestPaceBySaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	limits := func(c ratelimit.Config) func(string) ratelimit.Config {
		return func(string) ratelimit.Config { return c }
	}
	for says, s := range map[string]*ratelimit.KeyStage[tenantCall]{
		"PaceConfig.Limits":       ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{}),
		"PaceBy":                  {},
		"PaceConfig.MaxQueued":    ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{Limits: everySecond, MaxQueued: -1}),
		"PaceConfig.MaxKeys":      ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{Limits: everySecond, MaxKeys: -1}),
		`key "a": ratelimit: Con`: ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{Limits: limits(ratelimit.Config{Requests: -1})}),
		"Config.Slots":            ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{Limits: limits(ratelimit.Config{Slots: 1})}),
	} {
		in := make(chan []tenantCall, 1)
		in <- callsOf("a", 1)
		close(in)
		if err := s.Run(t.Context(), in, make(chan []tenantCall, 1)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not say %s", err, says)
		}
	}
}

func TestTokensAreCountedByKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := keyRun(t, ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{
			Limits: func(string) ratelimit.Config { return ratelimit.Config{InputTokens: 600} },
			Cost:   func(c tenantCall) ratelimit.Cost { return ratelimit.Cost{InputTokens: 10 * c.n} },
		}), func(in chan<- []tenantCall) { in <- []tenantCall{{"a", 3}, {"b", 3}, {"a", 3}, {"a", 1}} })
		if len(got) != 4 || got[2].at < 2*time.Second || got[1].at != 0 {
			t.Errorf("got %v", got)
		}
	})
}
