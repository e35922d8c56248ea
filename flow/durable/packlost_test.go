package durable_test

import (
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// The provider counts requests, not the rows that share them: what it says
// about a batch whose results are late is compared with those.
func TestResultsOfSharedRequestsThatAreLateBuyNothing(t *testing.T) {
	t.Parallel()
	for name, lie := range lies() {
		lie.From, lie.Times = 2, 12
		c := &clerk{fault: func(string) string { return "" }}
		durabletest.Bubble(t, simulator.Config{Answer: c.answer, Faults: []simulator.Fault{lie}}, openai.Config{}, nil, func(w *durabletest.World) {
			w.Write("in.jsonl", durabletest.Tickets(60)...)
			w.SetFaults(lie)
			report := w.MustRun(packedJob(w))
			if report.Succeeded != 60 || report.Retried != 0 || report.Unexpected.Total() != 0 || c.requests != 3 {
				w.T.Errorf("%s: report %+v, %d requests", name, report, c.requests)
			}
		})
	}
}

// Requests that never ran are sent again, and only those.
func TestSharedRequestsThatNeverRanAreSentAgain(t *testing.T) {
	t.Parallel()
	c := &clerk{fault: func(string) string { return "" }}
	cfg := simulator.Config{Answer: c.answer, Latency: simulator.Latency{Processing: 10 * time.Minute}}
	durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(100)...)
		done := make(chan struct{})
		go func() {
			defer close(done)
			time.Sleep(5 * time.Minute)
			if err := w.Provider.Cancel(w.T.Context(), sink.Handle{Batch: w.Server.Batches()[0].ID}); err != nil {
				w.T.Error(err)
			}
		}()
		job := w.BriskJob()
		job.Prompt, job.Pack.MaxItems = packedJob(w).Prompt, 25
		report := w.MustRun(job)
		<-done
		if report.Batches != 2 || report.Retried == 0 || report.Retried == 100 || report.Retried%25 != 0 {
			w.T.Errorf("report %+v", report)
		}
		got := w.Results()
		for _, r := range got {
			if r.Status != durable.ItemSucceeded {
				w.T.Errorf("result %+v", r)
			}
		}
		if len(got) != 100 || c.requests != 4 || len(c.alone) != 0 {
			w.T.Errorf("%d results, %d requests, %d tickets alone", len(got), c.requests, len(c.alone))
		}
	})
}

// A batch of shared requests whose creation was not answered is found by their
// number, where the provider keeps no tag.
func TestALostBatchOfSharedRequestsIsFoundByTheirNumber(t *testing.T) {
	t.Parallel()
	model := &clerk{fault: func(string) string { return "" }}
	cfg := fiveMinutes
	cfg.Answer = model.answer
	atAnthropic(t, cfg, anthropic.Config{}, durabletest.Tickets(50), func(c *claude) {
		c.job.Prompt, c.job.Pack.MaxItems, c.job.Batch.MaxItems = packedJob(c.World).Prompt, 25, 50
		c.SetFaults(simulator.Fault{Route: "POST " + messageBatches, From: 2, Action: simulator.ActionResetAfter})
		c.stranger(2)
		report := c.MustRun(c.job)
		if report.Succeeded != 50 || report.Batches != 1 || report.Surplus != 0 || report.Retried != 0 {
			c.T.Errorf("report %+v", report)
		}
		c.wantUntouched(1)
	})
}
