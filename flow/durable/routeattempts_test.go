package durable_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

// overloaded makes models fail each row, for the time being.
func overloaded(models ...string) func(simulator.Row) simulator.Reply {
	return func(r simulator.Row) simulator.Reply {
		if slices.Contains(models, r.Model) {
			return simulator.Reply{Error: &simulator.RowError{Status: 503, Code: "model_overloaded", Message: "later"}}
		}
		return simulator.Reply{Text: "fine"}
	}
}

// A route is sent an item as often as its own limit says, whatever the job's
// is. Then it has failed the item.
func TestAttemptsAreBoundedByRoute(t *testing.T) {
	t.Parallel()
	const code = "model_overloaded"
	byMini := []durable.Tried{{Route: "mini", Code: code}}
	refuse := func(_ string, r llm.Reply) error {
		if r.Model == "gpt-mini" {
			return errors.New("it is no answer")
		}
		return nil
	}
	for name, c := range map[string]struct {
		mini, large, all int // attempts
		failover         durable.Failover
		check            func(string, llm.Reply) error
		down             []string
		want             durable.Result
	}{
		"it goes on":           {2, 0, 0, durable.FailoverFailed, nil, []string{"gpt-mini"}, durable.Result{Route: "large", Tried: byMini, Attempts: 3}},
		"more than the job's":  {3, 0, 1, durable.FailoverFailed, nil, []string{"gpt-mini"}, durable.Result{Route: "large", Tried: byMini, Attempts: 4}},
		"the job's for others": {1, 0, 2, durable.FailoverFailed, nil, []string{"gpt-mini", "gpt-large"}, durable.Result{Route: "large", Tried: byMini, Attempts: 3}},
		"each its own":         {2, 3, 1, durable.FailoverFailed, nil, []string{"gpt-mini", "gpt-large"}, durable.Result{Route: "large", Tried: byMini, Attempts: 5}},
		"it stays":             {2, 0, 0, durable.FailoverOut, nil, []string{"gpt-mini"}, durable.Result{Route: "mini", Attempts: 2}},
		"asked again": {2, 0, 0, durable.FailoverFailed, refuse, nil, durable.Result{
			Route: "large", Tried: []durable.Tried{{Route: "mini", Code: "invalid_answer"}}, Attempts: 3,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := durabletest.New(t, simulator.Config{Answer: overloaded(c.down...)})
			w.Write("in.jsonl", durabletest.Tickets(5)...)
			job := unguarded(twoRoutes(w))
			job.Failover, job.MaxAttempts, job.Check, job.Reasks = c.failover, c.all, c.check, 5
			job.Routes[0].MaxAttempts, job.Routes[1].MaxAttempts = c.mini, c.large
			w.MustRun(job)
			results := w.Results()
			if len(results) != 5 {
				t.Fatalf("%d results", len(results))
			}
			fails := strings.Contains(fmt.Sprint(c.down), c.want.Route)
			for id, r := range results {
				got := durable.Result{Route: r.Route, Tried: r.Tried, Attempts: r.Attempts}
				if diff := cmp.Diff(c.want, got); diff != "" || (r.Error != nil) != fails || fails && r.Error.Code != code {
					t.Errorf("%s, error %v: %s", id, r.Error, diff)
				}
			}
		})
	}
}

// The attempts at a route are kept with its items, so that a kill and the loss
// of the index change nothing.
func TestAttemptsByRouteSurviveALostIndex(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		if strings.HasSuffix(r.Prompt(), "7") {
			return overloaded("gpt-mini")(r)
		}
		return simulator.Reply{Text: "fine"}
	}})
	w.Write("in.jsonl", durabletest.Tickets(40)...)
	job := unguarded(twoRoutes(w))
	job.Failover, job.Routes[0].MaxAttempts = durable.FailoverFailed, 3
	w.DieAfter(2, job) // rows of both batches have been sent once
	w.LoseIndex()
	w.Rebuild()
	w.MustRun(job)
	for id, r := range w.Results() {
		route, attempts := "mini", 1
		if strings.HasSuffix(id, "7") {
			route, attempts = "large", 4
		}
		if r.Route != route || r.Attempts != attempts || r.Error != nil {
			t.Errorf("%s took %s after %v, in %d attempts: %v", id, r.Route, r.Tried, r.Attempts, r.Error)
		}
	}
}

// A limit that is higher than what is counted would never be reached.
func TestAttemptsThatAreNotCountedAreRefused(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(1)...)
	for want, set := range map[string]func(*durable.Job[durabletest.Ticket]){
		"Job.MaxAttempts is 256":           func(job *durable.Job[durabletest.Ticket]) { job.MaxAttempts = 256 },
		"Job.Routes[1].MaxAttempts is 256": func(job *durable.Job[durabletest.Ticket]) { job.Routes[1].MaxAttempts = 256 },
		"Job.Routes[1].MaxAttempts is -1":  func(job *durable.Job[durabletest.Ticket]) { job.Routes[1].MaxAttempts = -1 },
	} {
		job := twoRoutes(w)
		set(&job)
		if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}
