package durable_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/live"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// openLive returns a live provider with a key, to be closed.
func openLive(w *durabletest.World, key string, c live.Config) *live.Provider {
	w.T.Helper()
	c.Dir = w.Path("live")
	if c.Rate.Requests == 0 {
		c.Rate.Requests = 600
	}
	c.Remaining = openai.ReadRemaining
	p, err := live.New(w.Client(key), c)
	if err != nil {
		w.T.Fatal(err)
	}
	return p
}

func closeLive(w *durabletest.World, p *live.Provider) {
	w.T.Helper()
	if err := p.Close(); err != nil {
		w.T.Error(err)
	}
}

// besides returns a job with a live route and one of batches at the same
// account.
func besides(w *durabletest.World, p *live.Provider) durable.Job[durabletest.Ticket] {
	job := w.BriskJob()
	job.Provider, job.Model = nil, ""
	job.Routes = []durable.Route{
		{Name: "batch", Provider: w.Provider, Model: "gpt-test", Weight: 3},
		{Name: "live", Provider: p, Model: "gpt-test"},
	}
	job.Choose = router.Weighted[durable.Waiting]()
	job.Batch.MaxItems = 20
	return job
}

// billedByKind counts what was paid for live, and in batches.
func billedByKind(w *durabletest.World) map[string]int {
	w.T.Helper()
	n := make(map[string]int)
	for e, err := range w.Server.Executions() {
		if err != nil {
			w.T.Fatal(err)
		}
		if e.Live {
			n["live"]++
		} else {
			n["batch"]++
		}
	}
	return n
}

// A live route and one of batches share the items, and each is paid for once.
func TestALiveRouteBesidesBatches(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{Latency: simulator.Latency{Processing: time.Hour}}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(400)...)
		p := openLive(w, "sk-test", live.Config{})
		defer closeLive(w, p)
		report := w.MustRun(besides(w, p))
		if diff := cmp.Diff(map[string]int{"batch gpt-test": 300, "live gpt-test": 100}, byRoute(w.Results())); diff != "" {
			w.T.Error(diff)
		}
		if diff := cmp.Diff(map[string]int{"batch": 300, "live": 100}, billedByKind(w)); diff != "" || report.Succeeded != 400 {
			w.T.Errorf("%s: %+v", diff, report)
		}
		w.WantBilledOnce(400)
	})
}

// A run that ends in the middle goes on with what was asked, though its key is
// another one meanwhile.
func TestALiveRouteGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{Accounts: map[string]string{"sk-test": "a", "sk-new": "a"}}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(200)...)
		only := func(p *live.Provider) durable.Job[durabletest.Ticket] {
			job := besides(w, p)
			job.Routes, job.Choose = job.Routes[1:], nil
			return job
		}
		for i, key := range []string{"sk-test", "sk-test", "sk-new"} {
			p := openLive(w, key, live.Config{Rate: ratelimit.Config{Requests: 60}})
			ctx, cancel := context.WithTimeout(w.T.Context(), 50*time.Second)
			report, err := w.Run(ctx, only(p))
			cancel()
			closeLive(w, p)
			if !errors.Is(err, context.DeadlineExceeded) {
				w.T.Fatalf("part %d: %+v, %v", i, report, err)
			}
		}
		p := openLive(w, "sk-new", live.Config{})
		defer closeLive(w, p)
		w.MustRun(only(p))
		if n := len(w.Results()); n != 200 {
			w.T.Errorf("%d results", n)
		}
		w.WantBilledOnce(200)
	})
}

// A batch of a live route is nothing that the batch API of the same account
// knows, so it is not taken for one that is gone there.
func TestALiveBatchIsNotLookedForInTheBatchAPI(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(40)...)
		p := openLive(w, "sk-test", live.Config{Rate: ratelimit.Config{Requests: 6}})
		job := besides(w, p)
		ctx, cancel := context.WithTimeout(w.T.Context(), time.Minute)
		_, err := w.Run(ctx, job)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			w.T.Fatal(err)
		}
		without := job
		without.Routes, without.Choose = job.Routes[:1], nil
		_, err = w.Run(w.T.Context(), without)
		if _, mismatch := errors.AsType[*durable.MismatchError](err); !mismatch {
			w.T.Errorf("without the live route: %v", err)
		}
		w.MustRun(job)
		closeLive(w, p)
		w.WantBilledOnce(40)
	})
}

// Any key sees the batches of a live provider, as they are on this machine.
// That does not prove that a key belongs to the account of the batches in the
// batch API, where another one would find that they are gone.
func TestALiveBatchProvesNoAccount(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{Latency: simulator.Latency{Processing: time.Hour}}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(80)...)
		p := openLive(w, "sk-test", live.Config{Rate: ratelimit.Config{Requests: 6}})
		ctx, cancel := context.WithTimeout(w.T.Context(), time.Minute)
		_, err := w.Run(ctx, besides(w, p))
		cancel()
		closeLive(w, p)
		if !errors.Is(err, context.DeadlineExceeded) {
			w.T.Fatal(err)
		}
		p = openLive(w, "sk-other", live.Config{Rate: ratelimit.Config{Requests: 6}})
		defer closeLive(w, p)
		job := besides(w, p)
		job.Routes[0].Provider = w.Client("sk-other")
		_, err = w.Run(w.T.Context(), job)
		if _, mismatch := errors.AsType[*durable.MismatchError](err); !mismatch {
			w.T.Errorf("with the key of another account: %v", err)
		}
	})
}

// A row whose call was not answered may have been paid for. It is asked neither
// again nor elsewhere.
func TestAnUnclearLiveCallIsNotBoughtAgain(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(40)...)
		w.SetFaults(simulator.Fault{Route: "POST /v1/chat/completions", Action: simulator.ActionResetAfter, From: 3})
		p := openLive(w, "sk-test", live.Config{})
		defer closeLive(w, p)
		job := besides(w, p)
		job.Failover = durable.FailoverFailed
		report := w.MustRun(job)
		unclear := 0
		for _, r := range w.Results() {
			if r.Error == nil {
				continue
			}
			if unclear++; r.Error.Class != retry.Ambiguous || r.Error.Code != live.CodeUnclear || r.Route != "live" {
				w.T.Errorf("%s: %+v", r.ID, r)
			}
		}
		if unclear != 1 || report.Failed != 1 || report.Succeeded != 39 {
			w.T.Errorf("%d are unclear: %+v", unclear, report)
		}
		w.WantBilledOnce(40)
	})
}

// What was delivered is removed, as Job.KeepRemote has it.
func TestFilesOfLiveBatchesAreRemoved(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(40)...)
		p := openLive(w, "sk-test", live.Config{})
		defer closeLive(w, p)
		job := besides(w, p)
		job.KeepRemote = 0
		w.MustRun(job)
		entries, err := os.ReadDir(filepath.Join(w.Dir, "live"))
		if err != nil || len(entries) != 1 { // the lock
			w.T.Errorf("%v, %v", entries, err)
		}
	})
}

// Too few items for a batch take the live route, at the end and when they are
// retried. Where no other route takes them, they are a batch all the same.
func TestAFewItemsTakeAnotherRoute(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		least int // of the live route
		want  map[string]int
	}{
		"live":     {0, map[string]int{"batch gpt-test": 39, "live gpt-test": 6}},
		"no route": {20, map[string]int{"batch gpt-test": 45}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed := new(atomic.Bool)
			once := func(r simulator.Row) simulator.Reply { // the model is overloaded at one row
				if strings.HasSuffix(r.Prompt(), " 7") && failed.CompareAndSwap(false, true) {
					return simulator.Reply{Error: &simulator.RowError{Status: 503}}
				}
				return simulator.Echo(r)
			}
			durabletest.Bubble(t, simulator.Config{Answer: once}, openai.Config{}, nil, func(w *durabletest.World) {
				w.Write("in.jsonl", durabletest.Tickets(45)...)
				p := openLive(w, "sk-test", live.Config{})
				defer closeLive(w, p)
				job := besides(w, p)
				job.Choose, job.Routes[0].Least, job.Routes[1].Least = nil, 10, test.least
				w.MustRun(job)
				if diff := cmp.Diff(test.want, byRoute(w.Results())); diff != "" {
					w.T.Error(diff)
				}
				w.WantBilledOnce(45)
			})
		})
	}
}
