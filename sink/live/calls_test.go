package live_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/live"
	"github.com/balerhq/baler/sink/simulator"
)

// bubble runs a test in which time is fake.
func bubble(t *testing.T, cfg simulator.Config, test func(*world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { test(newWorld(t, cfg)) })
}

// A server that is down is left alone until a single call has shown that it is
// back. The rows wait, and none fails for it.
func TestRowsWaitWhileTheServerIsDown(t *testing.T) {
	bubble(t, simulator.Config{}, func(w *world) {
		var opened, closed atomic.Int64
		p := w.open(live.Config{
			Rate: limited(8), Retry: retry.Policy{MaxAttempts: 20, Delay: time.Second, MaxDelay: time.Second},
			Breaker: retry.BreakerConfig{Failures: 8, Cooldown: time.Minute, OnChange: func(_ string, open bool) {
				if open {
					opened.Add(1)
				} else {
					closed.Add(1)
				}
			}},
		})
		w.fault(simulator.Fault{Action: simulator.ActionFail, Status: http.StatusServiceUnavailable, Times: 12})
		h := w.begin(p, "tag", 100, chat("hello"))
		if status := w.await(p, h); status.Succeeded != 100 {
			t.Errorf("%+v", status)
		}
		// Eight fail, and then one a minute.
		if opened.Load() != 1 || closed.Load() != 1 || w.refused(http.StatusServiceUnavailable) != 12 {
			t.Errorf("opened %d and closed %d times, %d calls failed", opened.Load(), closed.Load(), w.refused(http.StatusServiceUnavailable))
		}
	})
}

// A call that tries whether the server is back says nothing about its row, so
// that an outage uses up no attempts. What the server fails at fails in the
// end.
func TestAnOutageUsesUpNoAttempts(t *testing.T) {
	for name, test := range map[string]struct {
		down      int // calls
		succeeded int
	}{"over": {14, 4}, "never": {-1, 0}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, simulator.Config{}, func(w *world) {
				p := w.open(live.Config{
					Rate: limited(2), Retry: retry.Policy{MaxAttempts: 3, Delay: time.Second}, Breaker: retry.BreakerConfig{Failures: 2},
				})
				w.fault(simulator.Fault{Action: simulator.ActionFail, Status: http.StatusServiceUnavailable, Times: test.down})
				if status := w.await(p, w.begin(p, "tag", 4, chat("hello"))); status.Succeeded != test.succeeded || status.Failed != 4-test.succeeded {
					t.Errorf("%+v", status)
				}
			})
		})
	}
}

// A row that takes more than may pass at once passes alone, and those after it
// wait for what it took.
func TestARowAboveTheBurstPasses(t *testing.T) {
	const tpm = 60_000
	bubble(t, simulator.Config{Limits: simulator.Limits{TokensPerMinute: tpm}}, func(w *world) {
		p := w.open(live.Config{Rate: ratelimit.Config{InputTokens: tpm}})
		start := time.Now()
		status := w.await(p, w.begin(p, "tag", 4, chat(strings.Repeat("question", 10_000)))) // a third of a minute
		if took := time.Since(start); status.Succeeded != 4 || w.refused(tooMany) > 0 || took < 55*time.Second {
			t.Errorf("%+v after %s, %d refused", status, took, w.refused(tooMany))
		}
	})
}

// One call that is refused for its pace makes all calls wait.
func TestARetryAfterIsForAllRows(t *testing.T) {
	bubble(t, simulator.Config{}, func(w *world) {
		p := w.open(live.Config{Rate: limited(1), Retry: retry.Policy{Delay: time.Millisecond}})
		w.fault(simulator.Fault{Action: simulator.ActionFail, Status: tooMany, Header: map[string]string{"Retry-After": "90"}})
		start := time.Now()
		first, second := w.begin(p, "first", 1, chat("hello")), w.begin(p, "second", 5, chat("hello"))
		for _, h := range []sink.Handle{first, second} {
			if status := w.await(p, h); status.Failed > 0 {
				t.Errorf("%+v", status)
			}
			if took := time.Since(start); took < 90*time.Second || took > 3*time.Minute {
				t.Errorf("%s ended after %s", h.Batch, took)
			}
		}
		if len(w.asked()) != 5 || w.refused(tooMany) != 1 {
			t.Errorf("%d rows were asked, %d calls refused", len(w.asked()), w.refused(tooMany))
		}
	})
}

// A call that is not answered in time may have been paid for. It is asked again
// only where that does no harm.
func TestACallWithoutAnAnswerIsUnclear(t *testing.T) {
	for name, c := range map[string]struct {
		live.Config
		again bool
	}{
		"paid":       {live.Config{}, false},
		"own server": {live.Config{Repeat: true}, true},
		"with a key": {live.Config{KeyHeader: "Idempotency-Key"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, simulator.Config{}, func(w *world) {
				c.Rate = limited(1)
				c.Rate.Timeout = 30 * time.Second
				p := w.open(c.Config)
				w.fault(simulator.Fault{Action: simulator.ActionSlow, Delay: time.Minute})
				h := w.begin(p, "tag", 3, chat("hello"))
				status := w.await(p, h)
				o := w.outcomes(p, h)[rowID(0)]
				if c.again {
					if status.Succeeded != 3 || o.Err != nil {
						t.Errorf("%+v, %+v", status, o)
					}
					return
				}
				if status.Succeeded != 2 || o.Err == nil || o.Err.Class != retry.Ambiguous || o.Err.Code != live.CodeUnclear {
					t.Errorf("%+v, %+v", status, o.Err)
				}
			})
		})
	}
}

// A success that is no JSON comes from something in between.
func TestAPageOfAProxyIsNoAnswer(t *testing.T) {
	bubble(t, simulator.Config{}, func(w *world) {
		p := w.open(live.Config{Rate: limited(1)})
		w.fault(simulator.Fault{Action: simulator.ActionReplace, Body: "<html>please log in</html>"})
		h := w.begin(p, "tag", 1, chat("hello"))
		w.await(p, h)
		if o := w.outcomes(p, h)[rowID(0)]; o.Err == nil || o.Err.Class != retry.Ambiguous || o.Body != nil {
			t.Errorf("%+v", o)
		}
	})
}

// A blocked account is asked once and no more. The rows are not at fault.
func TestABlockedAccountEndsTheBatch(t *testing.T) {
	bubble(t, simulator.Config{}, func(w *world) {
		p := w.open(live.Config{Rate: limited(1)})
		w.fault(simulator.Fault{
			Action: simulator.ActionFail, Status: tooMany, Code: "insufficient_quota", From: 3, Times: -1,
		})
		h := w.begin(p, "tag", 50, chat("hello"))
		status := w.await(p, h)
		if status.Succeeded != 2 || status.Failed != 1 || status.NotRun != 47 || status.Phase != "blocked" || w.refused(tooMany) != 1 {
			t.Errorf("%+v, %d refused", status, w.refused(tooMany))
		}
		got := w.outcomes(p, h)
		if status.Unaccounted(50, len(got), 47) != 0 {
			t.Errorf("%d outcomes", len(got))
		}
		for id, o := range got {
			if o.Err != nil && (o.Err.Class != retry.Blocked || o.Err.Code != "insufficient_quota" || o.Skipped != (o.Status == 0)) {
				t.Errorf("%s: %+v, %+v", id, o, o.Err)
			}
		}
	})
}

// Cancel and Close begin no calls, and wait for those that are under way. Then
// everything is known.
func TestCallsUnderWayAreAwaited(t *testing.T) {
	for name, end := range map[string]func(*world, *live.Provider, sink.Handle) *live.Provider{
		"cancel": func(w *world, p *live.Provider, h sink.Handle) *live.Provider {
			if err := p.Cancel(w.Context(), h); err != nil {
				w.Error(err)
			}
			return p
		},
		"close": func(w *world, p *live.Provider, h sink.Handle) *live.Provider {
			closeAll(w.T, p)
			if _, err := p.Status(w.Context(), h); retry.ClassOf(err) != retry.Retryable {
				w.Errorf("the status after Close: %v", err)
			}
			return w.open(live.Config{Rate: limited(4)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			slow := func(r simulator.Row) simulator.Reply {
				time.Sleep(10 * time.Second)
				return simulator.Echo(r)
			}
			bubble(t, simulator.Config{Answer: slow}, func(w *world) {
				p := w.open(live.Config{Rate: limited(4)})
				h := w.begin(p, "tag", 10, chat("hello"))
				time.Sleep(15 * time.Second)
				p = end(w, p, h)
				status := w.await(p, h)
				want := sink.Status{Succeeded: 10}
				if name == "cancel" {
					want = sink.Status{Succeeded: 8, NotRun: 2}
				}
				if status.Succeeded != want.Succeeded || status.NotRun != want.NotRun || status.Failed != 0 {
					t.Errorf("%+v", status)
				}
				if got := w.outcomes(p, h); len(got) != 10 || len(w.asked()) != want.Succeeded {
					t.Errorf("%d outcomes, %d rows were asked", len(got), len(w.asked()))
				}
			})
		})
	}
}

// Partial results of a running batch are there, and it is said that there may
// be more.
func TestARunningBatchHasResults(t *testing.T) {
	slow := func(r simulator.Row) simulator.Reply {
		time.Sleep(10 * time.Second)
		return simulator.Echo(r)
	}
	bubble(t, simulator.Config{Answer: slow}, func(w *world) {
		p := w.open(live.Config{Rate: limited(1)})
		h := w.begin(p, "tag", 10, chat("hello"))
		time.Sleep(35 * time.Second)
		n, last := 0, error(nil)
		for o, err := range p.Results(w.Context(), h) {
			if err == nil && o.Err == nil {
				n++
			}
			last = err
		}
		if n != 3 || !errors.Is(last, sink.ErrNotEnded) {
			t.Errorf("%d results, then %v", n, last)
		}
		if err := p.Remove(w.Context(), h); err != nil {
			t.Error(err)
		}
		if found, err := p.Find(w.Context(), "tag", time.Time{}); len(found) > 0 || err != nil {
			t.Errorf("found %q, %v", found, err)
		}
		if len(w.asked()) != 4 {
			t.Errorf("%d rows were asked", len(w.asked()))
		}
	})
}

// The same tag is the same batch, and a batch that does not fit is none.
func TestATagHasOneBatch(t *testing.T) {
	bubble(t, simulator.Config{}, func(w *world) {
		p := w.open(live.Config{Rate: limited(4), Limits: sink.Limits{Rows: 10, Bytes: 1000}})
		for range 2 {
			w.await(p, w.begin(p, "tag", 10, chat("hello")))
		}
		if n := len(w.asked()); n != 10 {
			t.Errorf("%d rows were asked", n)
		}
		for what, rows := range map[string]sink.Rows{"rows": rows(11, chat("hello")), "bytes": rows(2, chat(strings.Repeat("x", 600)))} {
			if _, err := p.Create(context.Background(), spec(what), "", rows); !errors.Is(err, sink.ErrTooLarge) {
				t.Errorf("too many %s: %v", what, err)
			}
		}
	})
}
