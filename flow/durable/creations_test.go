package durable_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// creationsAtOnce counts the creations that are under way, and keeps the number
// at which each began.
type creationsAtOnce struct {
	next http.RoundTripper

	mu    sync.Mutex
	under int
	began []int
}

func (c *creationsAtOnce) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method+" "+r.URL.Path != createBatch {
		return c.next.RoundTrip(r)
	}
	c.mu.Lock()
	c.under++
	c.began = append(c.began, c.under)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.under--
		c.mu.Unlock()
	}()
	return c.next.RoundTrip(r)
}

// The first batch is created alone, others several at once as long as the provider
// takes them, and one at a time again after a refusal, of which there are few.
func TestSeveralBatchesAreCreatedAtOnce(t *testing.T) {
	t.Parallel()
	const refusal = 60 // the number of that creation
	cfg := simulator.Config{Faults: []simulator.Fault{
		{Route: createBatch, Action: simulator.ActionReplace, Status: http.StatusServiceUnavailable, From: refusal, Times: 1, Body: "{}"},
		{Route: createBatch, Action: simulator.ActionSlow, Delay: time.Second, Times: -1},
	}}
	var seen creationsAtOnce
	wrap := func(next http.RoundTripper) http.RoundTripper {
		seen.next = next
		return &seen
	}
	durabletest.Bubble(t, cfg, openai.Config{}, wrap, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(100)...)
		job := w.BriskJob()
		job.Batch.MaxItems, job.Transfers, job.MaxInFlight = 1, 8, 200
		report := w.MustRun(job)
		if report.Succeeded != 100 || report.Batches != 100 {
			w.T.Errorf("report %+v", report)
		}
		w.WantBilledOnce(100)
		if most := slices.Max(seen.began); seen.began[0] != 1 || most != 8 {
			w.T.Errorf("at most %d at once; they began as the nth: %v", most, seen.began)
		}
		after := seen.began[refusal:] // first those that were under way, then one alone
		if alone := slices.Index(after, 1); alone < 0 || alone > 8 || after[alone+1] != 1 {
			w.T.Errorf("after the refusal they began as the nth: %v", after)
		}
	})
}
