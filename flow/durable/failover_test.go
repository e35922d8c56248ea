package durable_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// A blocked account stops only its route: rows that another one can take go on,
// those of a batch too that was not bought yet, and what was bought is
// delivered.
func TestABlockedRouteStopsOnlyItself(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(400)...)
	job := twoRoutes(w)
	job.Choose = router.RoundRobin[durable.Waiting]()
	job.MaxInFlight = 2
	blocked := false
	job.Progress = func(p durable.Progress) {
		if p.Succeeded > 60 && !blocked {
			blocked = true
			w.Server.SetBlocked(simulator.Block{Account: "sk-test"})
		}
	}
	var notices []string
	job.Notify = func(n durable.Notice) { notices = append(notices, n.Text) }
	report := w.MustRun(job)
	got := byRoute(w.Results())
	if !blocked || got["large gpt-large"] < 250 || got["mini gpt-mini"] < 20 || report.Succeeded != 400 {
		t.Errorf("results by route are %v: %+v", got, report)
	}
	if text := strings.Join(notices, "\n"); !strings.Contains(text, "is blocked and nothing more is bought there") {
		t.Errorf("notices are %q", notices)
	}
	w.WantBilledOnce(400)
}

// A route that is to be waited for is waited for: the run ends, with all that
// the others could do, and goes on once somebody has seen to it.
func TestABlockedRouteIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(200)...)
	job := twoRoutes(w)
	job.Choose, job.Failover = router.RoundRobin[durable.Waiting](), durable.FailoverNever
	w.Server.SetBlocked(simulator.Block{Account: "sk-test"})
	report, err := w.Run(t.Context(), job)
	if retry.ClassOf(err) != retry.Blocked || report.Succeeded != 100 || report.Failed != 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	w.Server.SetBlocked()
	job.Choose = router.RoundRobin[durable.Waiting]()
	w.MustRun(job)
	if diff := cmp.Diff(map[string]int{"mini gpt-mini": 100, "large gpt-large": 100}, byRoute(w.Results())); diff != "" {
		t.Error(diff)
	}
	w.WantBilledOnce(200)
}

// All accounts blocked is a run that ends.
func TestARunWithoutAnAccountEnds(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(100)...)
	w.Server.SetBlocked(simulator.Block{Account: "sk-test"}, simulator.Block{Account: "sk-other"})
	job := twoRoutes(w)
	job.Choose = router.RoundRobin[durable.Waiting]()
	if report, err := w.Run(t.Context(), job); retry.ClassOf(err) != retry.Blocked || report.Settled() != 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	w.Server.SetBlocked()
	w.MustRun(job)
	w.WantBilledOnce(100)
}

// A key that is refused from the start is one route less.
func TestARefusedKeyIsOneRouteLess(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Keys: []string{"sk-other"}})
	w.Write("in.jsonl", durabletest.Tickets(50)...)
	job := twoRoutes(w)
	job.Choose = router.RoundRobin[durable.Waiting]()
	w.MustRun(job)
	if diff := cmp.Diff(map[string]int{"large gpt-large": 50}, byRoute(w.Results())); diff != "" {
		t.Error(diff)
	}
}

// fails makes the model mini fail the rows of some tickets, with the large one
// failing a part of these.
func fails(r simulator.Row) simulator.Reply {
	text := r.Prompt()
	refused := simulator.Reply{Error: &simulator.RowError{Status: 400, Code: "content_policy_violation", Message: "no"}}
	switch {
	case strings.HasSuffix(text, "7") && r.Model == "gpt-mini", strings.HasSuffix(text, "77"):
		return refused
	case strings.HasSuffix(text, "3") && r.Model == "gpt-mini":
		return simulator.Reply{Text: "unusable"}
	}
	return simulator.Reply{Text: "fine"}
}

// A row that a route fails for good goes to the next, and its result tells.
func TestARowThatARouteFailsGoesToTheNext(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Answer: fails})
	w.Write("in.jsonl", durabletest.Tickets(100)...)
	job := twoRoutes(w)
	job.Failover, job.Reasks = durable.FailoverFailed, -1
	job.Check = func(_ string, r llm.Reply) error {
		if r.Text == "unusable" {
			return errors.New("it is unusable")
		}
		return nil
	}
	report, err := w.Run(t.Context(), job)
	if err != nil || report.Failed != 1 || report.Succeeded != 99 {
		t.Fatalf("%+v, %v", report, err)
	}
	byMini := func(code string) []durable.Tried { return []durable.Tried{{Route: "mini", Code: code}} }
	results := w.Results()
	for id, r := range results {
		wantRoute, wantTried := "mini", []durable.Tried(nil)
		switch {
		case strings.HasSuffix(id, "7"):
			wantRoute, wantTried = "large", byMini("content_policy_violation")
		case strings.HasSuffix(id, "3"):
			wantRoute, wantTried = "large", byMini("invalid_answer")
		}
		if r.Route != wantRoute || cmp.Diff(wantTried, r.Tried) != "" || (r.Error != nil) != (id == "t-77") {
			t.Errorf("%s took %s after %v: %v", id, r.Route, r.Tried, r.Error)
		}
	}
	if _, stored := durabletest.Collect(t, w.Archive("tickets").Results(archive.Query{Codec: w.Provider.Info().Codec})); len(stored) != 100 {
		t.Errorf("%d results are kept", len(stored))
	} else {
		for _, s := range stored {
			s.HTTPStatus = 0 // which a line of the output does not have
			if diff := cmp.Diff(results[s.ID], s.Result); diff != "" {
				t.Errorf("%s, as delivered and as kept: %s", s.ID, diff)
			}
		}
	}
}

// What has failed on a route is remembered, also without the index.
func TestAFailoverSurvivesALostIndex(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Answer: fails})
	w.Write("in.jsonl", durabletest.Tickets(100)...)
	job := twoRoutes(w)
	job.Failover = durable.FailoverFailed
	w.DieAfter(3, job) // rows wait for the other route
	w.LoseIndex()
	w.Rebuild()
	report, err := w.Run(t.Context(), job)
	if err != nil || report.Failed != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	for id, r := range w.Results() {
		if strings.HasSuffix(id, "7") && (r.Route != "large" || len(r.Tried) != 1 || r.Tried[0].Code != "content_policy_violation" || r.Attempts != 2) {
			t.Errorf("%s took %s after %v, in %d attempts", id, r.Route, r.Tried, r.Attempts)
		}
	}
}

// blind is a client whose account is blocked for calls about what was bought.
type blind struct{ sink.Provider }

func (blind) Status(context.Context, sink.Handle) (sink.Status, error) {
	return sink.Status{}, &retry.Error{Class: retry.Blocked, Status: 401, Code: "invalid_api_key", Message: "no"}
}

// An account that is blocked for polls too keeps what it has, and only that.
func TestAnAccountThatCannotBePolledKeepsWhatItHas(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(200)...)
	job := twoRoutes(w)
	job.Choose = router.RoundRobin[durable.Waiting]()
	mini := job.Routes[0].Provider
	job.Routes[0].Provider = blind{mini}
	report, err := w.Run(t.Context(), job)
	if retry.ClassOf(err) != retry.Blocked || report.Succeeded < 100 || report.Finished {
		t.Fatalf("%+v, %v", report, err)
	}
	bought := len(w.Server.Batches())
	job.Routes[0].Provider, job.Choose = mini, router.RoundRobin[durable.Waiting]()
	w.MustRun(job)
	if n := len(w.Server.Batches()); n != bought {
		t.Errorf("%d batches were bought, and then %d", bought, n)
	}
	w.WantBilledOnce(200)
}

// A row that no other route can take waits for a route that is blocked, and the
// run ends, although the account of another route is in order.
func TestARowThatOnlyABlockedRouteCanTakeWaits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer  func(simulator.Row) simulator.Reply
		arrange func(*durable.Job[durabletest.Ticket])
	}{
		"the other route has failed it": {fails, func(job *durable.Job[durabletest.Ticket]) {
			job.Failover = durable.FailoverFailed
		}},
		"it is too large for the other route": {nil, func(job *durable.Job[durabletest.Ticket]) {
			job.Routes[0].Provider = fewBytes{job.Routes[0].Provider}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := simulator.Config{Answer: c.answer, Latency: slow.Latency}
			durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
				tickets := durabletest.Tickets(40)
				tickets[27] = fmt.Sprintf(`{"id":"t-27","text":"%s 27"}`, strings.Repeat("a", 4000))
				w.Write("in.jsonl", tickets...)
				job := twoRoutes(w)
				c.arrange(&job)
				w.Server.SetBlocked(simulator.Block{Account: "sk-other"})
				report, err := w.Run(w.T.Context(), job)
				if retry.ClassOf(err) != retry.Blocked || report.Failed != 0 || report.Succeeded == 0 || report.Succeeded == 40 {
					w.T.Fatalf("%+v, %v", report, err)
				}
				w.Server.SetBlocked()
				if report := w.MustRun(job); report.Succeeded != 40 {
					w.T.Errorf("%+v", report)
				}
				if r := w.Results()["t-27"]; r.Route != "large" {
					w.T.Errorf("t-27 took %s", r.Route)
				}
			})
		})
	}
}

// fewBytes takes rows of 2 KB at most.
type fewBytes struct{ sink.Provider }

func (p fewBytes) Limits(model string) sink.Limits {
	return sink.Limits{Bytes: 2000}.Or(p.Provider.Limits(model))
}

// A row that may have been answered is not asked again.
func TestAnAmbiguousRowIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(3)...)
	job := w.Job()
	job.Provider = unclear{job.Provider}
	report, err := w.Run(t.Context(), job)
	if err != nil || report.Failed != 3 {
		t.Errorf("%+v, %v", report, err)
	}
	for id, r := range w.Results() {
		if r.Error == nil || r.Error.Code != "unclear_call" {
			t.Errorf("%s: %+v", id, r)
		}
	}
	w.WantBilledOnce(3)
}

// unclear cannot tell whether its rows were answered.
type unclear struct{ sink.Provider }

func (p unclear) Results(ctx context.Context, h sink.Handle) iter.Seq2[sink.Outcome, error] {
	return func(yield func(sink.Outcome, error) bool) {
		for o, err := range p.Provider.Results(ctx, h) {
			o.Body, o.Err = nil, &sink.RowError{Class: retry.Ambiguous, Code: "unclear_call", Message: "killed while it was asked"}
			if !yield(o, err) {
				return
			}
		}
	}
}
