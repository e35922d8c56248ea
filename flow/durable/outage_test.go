package durable_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// flaky is a network that does not reach an account while it is down.
type flaky struct {
	http.RoundTripper
	key  string
	down *atomic.Bool
}

func (f flaky) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.down.Load() && strings.HasSuffix(r.Header.Get("Authorization"), f.key) {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, errors.New("connection refused")
	}
	return f.RoundTripper.RoundTrip(r)
}

// withOutages runs a test in which the account sk-test can be down.
func withOutages(t *testing.T, isDown bool, test func(w *durabletest.World, down *atomic.Bool)) {
	t.Helper()
	var down atomic.Bool
	down.Store(isDown)
	wrap := func(next http.RoundTripper) http.RoundTripper { return flaky{next, "sk-test", &down} }
	durabletest.Bubble(t, slow, openai.Config{}, wrap, func(w *durabletest.World) { test(w, &down) })
}

// A job with two providers does not wait for one that cannot be reached.
func TestAProviderThatIsDownFromTheStartIsOneRouteLess(t *testing.T) {
	t.Parallel()
	withOutages(t, true, func(w *durabletest.World, _ *atomic.Bool) {
		w.Write("in.jsonl", durabletest.Tickets(100)...)
		job := twoRoutes(w)
		job.Choose = router.RoundRobin[durable.Waiting]()
		report := w.MustRun(job)
		if diff := cmp.Diff(map[string]int{"large gpt-large": 100}, byRoute(w.Results())); diff != "" || report.Elapsed > 20*time.Minute {
			w.T.Errorf("%s after %s", diff, report.Elapsed)
		}
	})
}

// If one goes down later, the rows that it does not have yet go to the other,
// and it gets rows again once it is back. Rows that were read ahead keep their route.
// What it has is awaited.
func TestAProviderMayGoDownAndComeBack(t *testing.T) {
	t.Parallel()
	withOutages(t, false, func(w *durabletest.World, down *atomic.Bool) {
		w.Write("in.jsonl", durabletest.Tickets(4000)...)
		job := twoRoutes(w)
		job.Choose, job.MaxInFlight = router.RoundRobin[durable.Waiting](), 10
		job.Batch.MaxItems = 80
		before, after := 0, 0
		job.Progress = func(p durable.Progress) {
			switch {
			case p.Succeeded >= 240 && p.Succeeded < 960 && !down.Swap(true):
				before = createdFor(w, "gpt-mini")
			case p.Succeeded >= 960 && down.Swap(false):
				after = createdFor(w, "gpt-mini")
			}
		}
		w.MustRun(job)
		all := createdFor(w, "gpt-mini")
		if before == 0 || after > before+4 || all <= after {
			w.T.Errorf("%d batches before the outage, %d after it, %d in all", before, after, all)
		}
		w.WantBilledOnce(4000)
	})
}

// Batches of a provider that is down do not keep others from being bought at
// another one, though they are as many as may be open.
func TestBatchesOfAProviderThatIsDownAreInNobodysWay(t *testing.T) {
	t.Parallel()
	withOutages(t, false, func(w *durabletest.World, down *atomic.Bool) {
		w.Write("in.jsonl", durabletest.Tickets(120)...)
		job := twoRoutes(w)
		job.MaxInFlight = 2
		meanwhile := 0
		time.AfterFunc(time.Minute, func() { down.Store(true) })
		time.AfterFunc(time.Hour, func() {
			meanwhile = createdFor(w, "gpt-large")
			down.Store(false)
		})
		w.MustRun(job)
		if meanwhile < 2 {
			w.T.Errorf("%d batches were bought elsewhere during the outage", meanwhile)
		}
		w.WantBilledOnce(120)
	})
}

// createdFor counts the batches of a model.
func createdFor(w *durabletest.World, model string) (n int) {
	for _, b := range w.Server.Batches() {
		if b.Model == model {
			n++
		}
	}
	return n
}

// If no other route can take the rows, they wait until the provider is back.
func TestAProviderThatIsDownIsWaitedFor(t *testing.T) {
	t.Parallel()
	withOutages(t, false, func(w *durabletest.World, down *atomic.Bool) {
		w.Write("in.jsonl", durabletest.Tickets(200)...)
		job := twoRoutes(w)
		job.Choose, job.Failover = router.RoundRobin[durable.Waiting](), durable.FailoverNever
		time.AfterFunc(time.Second, func() { down.Store(true) })
		time.AfterFunc(30*time.Minute, func() { down.Store(false) })
		report := w.MustRun(job)
		if diff := cmp.Diff(map[string]int{"mini gpt-mini": 100, "large gpt-large": 100}, byRoute(w.Results())); diff != "" || report.Elapsed < 30*time.Minute {
			w.T.Errorf("%s after %s", diff, report.Elapsed)
		}
		w.WantBilledOnce(200)
	})
}

// A blocked route does not end the run while another one is only down.
func TestARouteThatIsDownIsAwaitedWhileTheOtherIsBlocked(t *testing.T) {
	t.Parallel()
	withOutages(t, false, func(w *durabletest.World, down *atomic.Bool) {
		w.Write("in.jsonl", durabletest.Tickets(200)...)
		job := twoRoutes(w)
		job.Choose, job.MaxInFlight = router.RoundRobin[durable.Waiting](), 4
		time.AfterFunc(time.Second, func() {
			down.Store(true)
			w.Server.SetBlocked(simulator.Block{Account: "sk-other"})
		})
		time.AfterFunc(20*time.Minute, func() { down.Store(false) })
		if report := w.MustRun(job); report.Succeeded != 200 {
			w.T.Errorf("%+v", report)
		}
		w.WantBilledOnce(200)
	})
}
