package durable_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

const messageBatches = "/anthropic/v1/messages/batches"

// claude is a job at Anthropic, which keeps no tag with a batch and takes the
// rows in the request that creates it. Its five rows make one batch.
type claude struct {
	*durabletest.World
	client  *anthropic.Client
	job     durable.Job[durabletest.Ticket]
	mu      sync.Mutex
	foreign []string // batches of others in the workspace
}

// atAnthropic runs a test of such a job in a bubble.
func atAnthropic(t *testing.T, cfg simulator.Config, adjust anthropic.Config, rows []string, test func(c *claude)) {
	t.Helper()
	durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", rows...)
		adjust.BaseURL, adjust.Transport, adjust.Calls = w.Server.URL+"/anthropic", w.Server.Client().Transport, sink.EvenCalls(1_000_000)
		client, err := anthropic.New("sk-ant-test", adjust)
		if err != nil {
			w.T.Fatal(err)
		}
		c := &claude{World: w, client: client, job: w.BriskJob()}
		c.job.Provider, c.job.Model, c.job.Batch.MaxItems = client, "claude-test", 5
		test(c)
	})
}

// stranger buys a batch of n rows in the same workspace.
func (c *claude) stranger(n int) {
	c.T.Helper()
	spec := sink.Spec{Tag: "somebody", Endpoint: anthropic.MessagesEndpoint, Model: "claude-test"}
	c.mu.Lock()
	defer c.mu.Unlock()
	first := 1000 * len(c.foreign)
	batch, err := c.client.Create(c.T.Context(), spec, "", func(yield func(sink.Row, error) bool) {
		for i := range n {
			body := []byte(`{"model":"claude-test","max_tokens":5,"messages":[{"role":"user","content":"x"}]}`)
			if !yield(sink.Row{ID: fmt.Sprintf("somebody_%043d", first+i), Body: body}, nil) {
				return
			}
		}
	})
	if err != nil {
		c.T.Error(err)
	}
	c.foreign = append(c.foreign, batch)
}

// wantUntouched fails if a result is from a batch of others, if one of those
// was cancelled, or if there are not so many batches of ours.
func (c *claude) wantUntouched(ours int) {
	c.T.Helper()
	for id, r := range c.Results() {
		if slices.Contains(c.foreign, r.Batch) {
			c.T.Errorf("%s was taken from a batch of others: %+v", id, r)
		}
	}
	batches := c.Server.Batches()
	for _, b := range batches {
		if strings.HasPrefix(b.Status, "cancel") {
			c.T.Errorf("batch %s was cancelled", b.ID)
		}
	}
	if n := len(batches) - len(c.foreign); n != ours {
		c.T.Errorf("%d batches of ours, want %d", n, ours)
	}
}

var fiveMinutes = simulator.Config{Latency: simulator.Latency{Processing: 5 * time.Minute}}

// Three batches of others are created in the minute in which ours is, and all
// have as many rows. Nothing tells them apart but the ids in their results.
func TestALostBatchIsToldFromThoseOfOthersInTheWorkspace(t *testing.T) {
	t.Parallel()
	const list = "GET " + messageBatches
	create := func(a simulator.Action) simulator.Fault {
		return simulator.Fault{Route: "POST " + messageBatches, From: 2, Action: a}
	}
	late := simulator.Fault{Route: "GET " + messageBatches + "/{id}/results", Action: simulator.ActionFail, Status: 404, Times: 3}
	for name, faults := range map[string][]simulator.Fault{
		"created":                       {create(simulator.ActionResetAfter)},
		"created, and a stale list":     {create(simulator.ActionResetAfter), {Route: list, Action: simulator.ActionStale, Delay: 30 * time.Second, Times: -1}},
		"created late":                  {{Route: "POST " + messageBatches, From: 2, Action: simulator.ActionLate, Delay: 30 * time.Second}},
		"created, results not there":    {create(simulator.ActionResetAfter), late},
		"created, and a server error":   {create(simulator.ActionFailAfter)},
		"created, the reply cut off":    {create(simulator.ActionTruncate)},
		"created, the list breaks off":  {create(simulator.ActionResetAfter), {Route: list, Action: simulator.ActionCut, Times: 4}},
		"not created":                   {create(simulator.ActionReset)},
		"not created, and a stale list": {create(simulator.ActionReset), {Route: list, Action: simulator.ActionStale, Delay: 30 * time.Second, Times: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			atAnthropic(t, fiveMinutes, anthropic.Config{}, durabletest.Tickets(5), func(c *claude) {
				c.SetFaults(faults...)
				c.stranger(5)
				var once sync.Once
				c.Log.OnMessage(func(message string) {
					if strings.Contains(message, "creation unclear") {
						once.Do(func() {
							c.stranger(5)
							time.Sleep(10 * time.Second)
							c.stranger(5)
						})
					}
				})
				report := c.MustRun(c.job)
				if report.Succeeded != 5 || report.Batches != 1 || report.Surplus != 0 || len(c.foreign) != 3 {
					c.T.Errorf("report %+v, %d batches of others", report, len(c.foreign))
				}
				time.Sleep(5 * time.Minute) // until those of others have ended, too
				c.wantUntouched(1)
				c.WantBilledOnce(5 + 3*5)
			})
		})
	}
}

// Several of the run's own batches are lost at once, among others.
func TestSeveralLostBatchesAreToldApart(t *testing.T) {
	t.Parallel()
	atAnthropic(t, fiveMinutes, anthropic.Config{}, durabletest.Tickets(20), func(c *claude) {
		c.stranger(5)
		c.SetFaults(
			simulator.Fault{Route: "POST " + messageBatches, Action: simulator.ActionResetAfter, Times: 2},
			simulator.Fault{Route: "POST " + messageBatches, Action: simulator.ActionReset},
		)
		report := c.MustRun(c.job)
		if report.Succeeded != 20 || report.Batches != 4 {
			c.T.Errorf("report %+v", report)
		}
		time.Sleep(5 * time.Minute)
		c.wantUntouched(4)
		c.WantBilledOnce(20 + 5)
	})
}

// What may become of the rows of a batch, in one run: some expire, some are
// canceled by somebody, one fails for good and one until it has no attempts
// left, and the results come late and cut.
func TestARunAtAnthropicSettlesEveryRow(t *testing.T) {
	t.Parallel()
	rows := append(durabletest.Tickets(18), `{"id":"bad","text":"[[400]]"}`, `{"id":"limited","text":"[[429]]"}`)
	cfg := simulator.Config{Latency: simulator.Latency{Processing: 10 * time.Minute, Cancelling: time.Minute}}
	atAnthropic(t, cfg, anthropic.Config{}, rows, func(c *claude) {
		c.job.Batch.MaxItems, c.job.MaxAttempts = 10, 3
		results := "GET " + messageBatches + "/{id}/results"
		c.SetFaults(
			simulator.Fault{Route: results, Action: simulator.ActionFail, Status: 404},
			simulator.Fault{Route: results, Action: simulator.ActionReplace, Body: "<html>"},
			simulator.Fault{Route: results, Action: simulator.ActionCutLines, Times: 3},
			simulator.Fault{Route: results, Action: simulator.ActionTruncate, Times: 2},
		)
		done := make(chan struct{})
		go func() {
			defer close(done)
			time.Sleep(3 * time.Minute)
			first := c.Server.Batches()[0].ID
			if err := c.client.Cancel(c.T.Context(), sink.Handle{Batch: first}); err != nil {
				c.T.Error(err)
			}
			time.Sleep(2 * time.Minute)
			if err := c.Server.Advance(24 * time.Hour); err != nil {
				c.T.Error(err)
			}
		}()
		report := c.MustRun(c.job)
		<-done
		if report.Succeeded != 18 || report.Failed != 2 {
			c.T.Errorf("report %+v", report)
		}
		got := c.Results()
		if e := got["bad"].Error; e == nil || e.Code != "invalid_request_error" || got["bad"].Attempts != 1 {
			c.T.Errorf("bad: %+v", got["bad"])
		}
		if e := got["limited"].Error; e == nil || e.Code != "rate_limit_error" || got["limited"].Attempts != 3 {
			c.T.Errorf("limited: %+v", got["limited"])
		}
		c.WantBilledOnce(20)
		if n := c.Billed(); n != 18 {
			c.T.Errorf("%d rows were billed", n)
		}
	})
}

// Rows above a limit are refused with their line, and batches above one are
// smaller, before anything is bought.
func TestRowsAboveAnthropicsLimitsAreNotBought(t *testing.T) {
	t.Parallel()
	long := `{"id":"long","text":"` + strings.Repeat("x", 3000) + `"}`
	limits := anthropic.Config{Limits: sink.Limits{Rows: 4, Bytes: 2000}}
	atAnthropic(t, simulator.Config{}, limits, append(durabletest.Tickets(10), long), func(c *claude) {
		c.job.Batch.MaxItems = 0
		if _, err := c.Run(c.T.Context(), c.job); err == nil || !strings.Contains(err.Error(), "in.jsonl:11") || len(c.Server.Batches()) > 0 {
			c.T.Errorf("error %v, %d batches", err, len(c.Server.Batches()))
		}
		c.Write("in.jsonl", durabletest.Tickets(10)...)
		c.job.Source = source.JSONL[durabletest.Ticket](c.Path("in.jsonl"))
		c.job.Name = "shorter"
		if report := c.MustRun(c.job); report.Succeeded != 10 || report.Batches < 3 {
			c.T.Errorf("report %+v", report)
		}
		for _, b := range c.Server.Batches() {
			if b.Rows > 4 {
				c.T.Errorf("%+v", b)
			}
		}
		c.WantBilledOnce(10)
	})
}

// The provider may take less than is documented, and have a queue.
func TestBatchesThatAnthropicFindsTooLargeAreCut(t *testing.T) {
	t.Parallel()
	cfg := simulator.Config{Limits: simulator.Limits{Rows: 3, EnqueuedRows: 6}, Latency: simulator.Latency{Processing: time.Minute}}
	atAnthropic(t, cfg, anthropic.Config{}, durabletest.Tickets(20), func(c *claude) {
		report := c.MustRun(c.job)
		if report.Succeeded != 20 {
			c.T.Errorf("report %+v", report)
		}
		c.WantBilledOnce(20)
	})
}
