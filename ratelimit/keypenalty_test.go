package ratelimit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/ratelimit"
)

// ample lets everything pass.
func ample(string) ratelimit.Config { return ratelimit.Config{} }

func TestAPenaltyHoldsBackItsKeyAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{Limits: everySecond})
		feed := func(penalize func()) func(in chan<- []tenantCall) {
			return func(in chan<- []tenantCall) {
				in <- append(callsOf("a", 10), callsOf("b", 10)...)
				time.Sleep(2500 * time.Millisecond)
				penalize()
			}
		}
		of := func(tenant string, all []passage) (at []time.Duration) {
			for _, p := range all {
				if p.call.tenant == tenant {
					if p.call.n != len(at) {
						t.Errorf("call %d of %s came as number %d", p.call.n, tenant, len(at))
					}
					at = append(at, p.at)
				}
			}
			return at
		}
		before := keyRun(t, s, feed(func() {}))
		after := keyRun(t, s, feed(func() {
			s.Penalize("a", time.Now().Add(20*time.Second))
			s.Penalize("a", time.Now().Add(time.Second)) // does not shorten it
			synctest.Wait()
			if d := cmp.Diff(ratelimit.PaceStats{Passed: 26, Rejected: 2, Keys: 2, Queued: 14, Penalized: 1}, s.Stats()); d != "" {
				t.Error(d)
			}
		}))
		if d := cmp.Diff(of("b", before), of("b", after)); d != "" {
			t.Errorf("another key goes on at another pace: %s", d)
		}
		if at := of("a", after); len(at) != 10 || at[2] > 2500*time.Millisecond || at[3] != 22500*time.Millisecond {
			t.Errorf("calls passed at %v, want none between 2.5 and 22.5 seconds", at)
		}
		if d := cmp.Diff(ratelimit.PaceStats{Passed: 40, Rejected: 2}, s.Stats()); d != "" {
			t.Errorf("a run that has ended holds something: %s", d)
		}
	})
}

// The reply to a call may come when its key is long forgotten.
func TestAPenaltyHoldsBackAKeyThatIsNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{Limits: ample, MaxKeys: 1})
		got := keyRun(t, s, func(in chan<- []tenantCall) {
			synctest.Wait() // until it runs
			s.Penalize("b", time.Now().Add(time.Hour))
			s.Penalize("a", time.Now().Add(time.Minute))
			in <- callsOf("a", 2)
			synctest.Wait()
			if st := s.Stats(); st.Queued != 2 || st.Penalized != 2 {
				t.Errorf("%+v", st)
			}
		})
		if len(got) != 2 || got[0].at != time.Minute || got[1].at != time.Minute {
			t.Errorf("got %v, want both after a minute", got)
		}
	})
}

// A key stays known as long as its penalty, and until it is as fast as before.
func TestAPenalizedKeyIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		s := ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{Limits: func(string) ratelimit.Config {
			made++
			return ratelimit.Config{Requests: 600, Burst: 10 * time.Second} // 100 at once
		}})
		after := func(d time.Duration, keys, penalized int) {
			t.Helper()
			time.Sleep(d)
			if st := s.Stats(); st.Keys != keys || st.Penalized != penalized {
				t.Errorf("%+v, want %d keys, %d of them penalized", st, keys, penalized)
			}
		}
		got := keyRun(t, s, func(in chan<- []tenantCall) {
			synctest.Wait() // until it runs
			s.Penalize("a", time.Now().Add(2*time.Hour))
			after(2*time.Hour-time.Second, 1, 1)
			after(2*time.Second, 0, 0)
			s.Penalize("a", time.Now().Add(time.Second))
			after(2*time.Second, 1, 0)
			time.Sleep(5 * time.Minute)
			in <- callsOf("a", 100)
			after(time.Hour, 0, 0)
		})
		if len(got) != 100 || got[9].at != got[0].at || got[10].at < got[0].at+time.Second {
			t.Errorf("got %v, want 10 a second", got)
		}
		if made != 2 {
			t.Errorf("limits were asked for %d times", made)
		}
	})
}

func TestAPenaltyTakesBackWhatTheNextStageHasNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{Limits: ample})
		in, out, done := make(chan []tenantCall), make(chan []tenantCall), make(chan error, 1)
		go func() { done <- s.Run(t.Context(), in, out) }()
		in <- append(append(callsOf("a", 2), callsOf("b", 2)...), callsOf("c", 1)...)
		in <- []tenantCall{{"a", 2}}
		s.Penalize("a", time.Now().Add(time.Minute))
		close(in)
		first := <-out
		if d := cmp.Diff(append(callsOf("b", 2), callsOf("c", 1)...), first, cmp.AllowUnexported(tenantCall{})); d != "" {
			t.Error(d)
		}
		start := time.Now()
		second := <-out
		if d := cmp.Diff(callsOf("a", 3), second, cmp.AllowUnexported(tenantCall{})); d != "" || time.Since(start) != time.Minute {
			t.Errorf("after %s: %s", time.Since(start), d)
		}
		if err := <-done; err != nil || s.Stats() != (ratelimit.PaceStats{Passed: 6, Rejected: 1}) {
			t.Errorf("%v, %+v", err, s.Stats())
		}
	})
}

// Whenever keys are penalized, nothing is lost, each key keeps its order, and
// what comes after a Penalize waits for its end.
func TestPenaltiesLoseNothing(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 2))
				tenants := []string{"a", "b", "c", "d"}
				s := ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{
					Limits:    func(string) ratelimit.Config { return ratelimit.Per(10, time.Second) },
					MaxQueued: 1000, MaxKeys: 3,
				})
				start := time.Now()
				until := map[string]time.Duration{}
				sent := map[string][]time.Duration{} // how early each may pass
				var others sync.WaitGroup
				got := keyRun(t, s, func(in chan<- []tenantCall) {
					synctest.Wait() // until it runs
					for range 100 {
						tenant := tenants[random.IntN(len(tenants))]
						if random.IntN(3) == 0 {
							d := time.Duration(random.IntN(5000)) * time.Millisecond
							others.Go(func() { s.Penalize(tenant, time.Now()) })
							s.Penalize(tenant, time.Now().Add(d))
							until[tenant] = max(until[tenant], time.Since(start)+d)
							continue
						}
						var calls []tenantCall
						for range 1 + random.IntN(5) {
							calls = append(calls, tenantCall{tenant, len(sent[tenant])})
							sent[tenant] = append(sent[tenant], until[tenant])
						}
						in <- calls
						time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
					}
				})
				others.Wait()
				passed := map[string]int{}
				for _, p := range got {
					tenant := p.call.tenant
					if p.call.n != passed[tenant] {
						t.Fatalf("call %d of %s came as number %d", p.call.n, tenant, passed[tenant])
					}
					if p.at < sent[tenant][p.call.n] {
						t.Fatalf("call %d of %s passed after %s, in a penalty until %s", p.call.n, tenant, p.at, sent[tenant][p.call.n])
					}
					passed[tenant]++
				}
				for tenant, all := range sent {
					if passed[tenant] != len(all) {
						t.Errorf("%d of %d calls of %s came", passed[tenant], len(all), tenant)
					}
				}
			})
		})
	}
}

func TestARunThatIsPenalizedEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{Limits: ample})
		s.Penalize("a", time.Now().Add(time.Hour)) // nothing is under way
		ctx, cancel := context.WithCancelCause(t.Context())
		in, out, done := make(chan []tenantCall), make(chan []tenantCall), make(chan error, 1)
		go func() { done <- s.Run(ctx, in, out) }()
		in <- callsOf("a", 1)
		<-out
		s.Penalize("a", time.Now().Add(time.Hour))
		in <- callsOf("a", 1)
		synctest.Wait()
		cancel(errStop)
		if err := <-done; err != errStop { //nolint:errorlint // it is the cause itself
			t.Error(err)
		}
		if d := cmp.Diff(ratelimit.PaceStats{Passed: 1, Rejected: 2}, s.Stats()); d != "" {
			t.Error(d)
		}
		s.Penalize("a", time.Now()) // nobody listens
	})
}

// A provider that has less left for a key than the stage has holds that key
// back, and no other. One that has more changes nothing.
func TestWhatIsLeftHoldsBackItsKeyAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := func(string) ratelimit.Config {
			return ratelimit.Config{Requests: 60, Window: time.Minute, Burst: 10 * time.Second}
		}
		s := ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{Limits: limits})
		none, many := 0, 1000
		all := keyRun(t, s, func(in chan<- []tenantCall) {
			in <- append(callsOf("a", 1), callsOf("b", 1)...)
			synctest.Wait()
			s.Observe("a", ratelimit.Remaining{Requests: &none})
			s.Observe("b", ratelimit.Remaining{Requests: &many})
			none, many = many, none // which are the caller's again
			s.Observe("c", ratelimit.Remaining{})
			synctest.Wait()
			if n := s.Stats().Keys; n != 2 {
				t.Errorf("%d keys are known, want 2: nothing was said about the third", n)
			}
			in <- append(callsOf("a", 3), callsOf("b", 3)...)
		})
		var at []time.Duration
		for _, p := range all[2:] {
			if p.call.tenant == "b" && p.at != 0 {
				t.Errorf("a call of another key passed at %s", p.at)
			}
			if p.call.tenant == "a" {
				at = append(at, p.at)
			}
		}
		if len(at) != 3 || at[0] < time.Second || at[1] < 2*time.Second || at[2] < 3*time.Second {
			t.Errorf("calls passed at %v, want one a second at the most, and none at once", at)
		}
	})
}

// The reply may come when the key is forgotten.
func TestWhatIsLeftOfAKeyThatIsNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ratelimit.PaceBy(tenantOf, ratelimit.PaceConfig[tenantCall]{Limits: everySecond})
		none := 0
		all := keyRun(t, s, func(in chan<- []tenantCall) {
			synctest.Wait() // the Run is under way
			s.Observe("a", ratelimit.Remaining{Requests: &none})
			in <- callsOf("a", 1)
		})
		if len(all) != 1 || all[0].at < time.Second || all[0].at > 2*time.Second {
			t.Errorf("passed: %+v, want one call after about a second", all)
		}
	})
}
