package durable_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

// twoRoutes is a job with a route to each of two accounts.
func twoRoutes(w *durabletest.World) durable.Job[durabletest.Ticket] {
	job := w.Job()
	job.Provider, job.Model = nil, ""
	job.Routes = []durable.Route{
		{Name: "mini", Provider: w.Provider, Model: "gpt-mini", Weight: 3},
		{Name: "large", Provider: w.Client("sk-other"), Model: "gpt-large"},
	}
	job.Batch.MaxItems = 20
	return job
}

// byRoute counts the results of a run by their route.
func byRoute(results map[string]durable.Result) map[string]int {
	n := make(map[string]int)
	for _, r := range results {
		n[r.Route+" "+r.Model]++
	}
	return n
}

func TestRoutesShareTheItemsByWeight(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(400)...)
	job := twoRoutes(w)
	job.Choose = router.Weighted[durable.Waiting]()
	report := w.MustRun(job)
	got := byRoute(w.Results())
	if want := (map[string]int{"mini gpt-mini": 300, "large gpt-large": 100}); !maps.Equal(got, want) {
		t.Errorf("results by route are %v, want %v", got, want)
	}
	var progress []string
	for _, r := range report.Routes {
		progress = append(progress, r.Name)
	}
	if slices.Sort(progress); !slices.Equal(progress, []string{"large", "mini"}) {
		t.Errorf("progress is by %q", progress)
	}
	w.WantBilledOnce(400)
}

// Without Choose, the first route that can takes an item: a body stays with the
// provider in whose format it is.
func TestARouteIsChosenByItsKey(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(60)...)
	job := twoRoutes(w)
	job.RouteKey = func(t durabletest.Ticket) string {
		if strings.HasSuffix(t.ID, "7") {
			return "legal"
		}
		return "other"
	}
	job.Choose = router.ByTable(func(i durable.Waiting) string { return i.RouteKey }, map[string]string{"legal": "large"}, "mini")
	w.MustRun(job)
	for _, r := range w.Results() {
		if want := map[bool]string{true: "large", false: "mini"}[strings.HasSuffix(r.ID, "7")]; r.Route != want {
			t.Errorf("%s took %s, want %s", r.ID, r.Route, want)
		}
	}
	w.WantBilledOnce(60)
}

// What was bought is never bought elsewhere, whatever the routes are when the
// job goes on. What was not may go elsewhere.
func TestRoutesMayChangeBetweenStarts(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Latency: simulator.Latency{Processing: 50 * time.Millisecond}})
	w.Write("in.jsonl", durabletest.Tickets(200)...)
	job := twoRoutes(w)
	job.Choose = router.RoundRobin[durable.Waiting]()
	job.MaxInFlight = 2
	w.Leave(job, 30)
	without := twoRoutes(w)
	without.Routes = []durable.Route{{Name: "third", Provider: otherOrigin{w.Client("sk-third")}, Model: "gpt-third"}}
	_, err := w.Run(t.Context(), without)
	if _, ok := errors.AsType[*durable.MismatchError](err); !ok || !strings.Contains(err.Error(), "no route any more") {
		t.Errorf("open batches of routes that are gone: %v", err)
	}
	job.Routes, job.Choose = append(job.Routes, without.Routes...), router.RoundRobin[durable.Waiting]()
	w.MustRun(job)
	if got := byRoute(w.Results()); got["mini gpt-mini"] == 0 || got["large gpt-large"] == 0 || got["third gpt-third"] == 0 {
		t.Errorf("results by route are %v", got)
	}
	w.WantBilledOnce(200)
}

// otherOrigin is the client of another service.
type otherOrigin struct{ sink.Provider }

func (p otherOrigin) Info() sink.Info {
	info := p.Provider.Info()
	info.Origin = "elsewhere"
	return info
}

// The options of a route go into the chats that have none, and what a route
// does not take is refused before anything is bought.
func TestARouteHasOptions(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		return simulator.Reply{Text: string(r.Body)}
	}})
	w.Write("in.jsonl", durabletest.Tickets(10)...)
	job := twoRoutes(w)
	job.Routes[0].Options = llm.Options{"temperature": json.RawMessage("0.5"), "seed": json.RawMessage("7")}
	job.Choose = router.RoundRobin[durable.Waiting]()
	w.MustRun(job)
	for _, r := range w.Results() {
		has := strings.Contains(r.Text, `"temperature":0.5`) && strings.Contains(r.Text, `"seed":7`)
		if has != (r.Route == "mini") {
			t.Errorf("%s on route %s: %s", r.ID, r.Route, r.Text)
		}
	}
	refused := twoRoutes(w)
	refused.Routes[1].Options = llm.Options{"anthropic.tools": json.RawMessage("[]")}
	batches := len(w.Server.Batches())
	_, _, err := w.RunAs("refused", refused, durabletest.Tickets(1)...)
	if err == nil || !strings.Contains(err.Error(), `route "large"`) || !strings.Contains(err.Error(), "anthropic.tools") || len(w.Server.Batches()) != batches {
		t.Errorf("%v, with %d batches", err, len(w.Server.Batches())-batches)
	}
}

// A batch is cut to what its route takes.
func TestABatchFitsItsRoute(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(100)...)
	job := twoRoutes(w)
	job.Batch.MaxItems = 0
	job.Routes[0].Provider = fewRows{job.Routes[0].Provider}
	w.MustRun(job)
	var sizes []int
	for _, b := range w.Server.Batches() {
		sizes = append(sizes, b.Rows)
	}
	if slices.Sort(sizes); !slices.Equal(sizes, []int{10, 15, 15, 15, 15, 15, 15}) {
		t.Errorf("batches have %d rows", sizes)
	}
	w.WantBilledOnce(100)
}

// fewRows takes batches of 15 rows.
type fewRows struct{ sink.Provider }

func (p fewRows) Limits(model string) sink.Limits {
	return sink.Limits{Rows: 15}.Or(p.Provider.Limits(model))
}

func TestRoutesAreChecked(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(1)...)
	for want, change := range map[string]func(*durable.Job[durabletest.Ticket]){
		"Routes[0].Provider is missing": func(j *durable.Job[durabletest.Ticket]) { j.Routes[0].Provider = nil },
		"Routes[1].Model is missing":    func(j *durable.Job[durabletest.Ticket]) { j.Routes[1].Model = "" },
		`Routes[1] is called "mini"`:    func(j *durable.Job[durabletest.Ticket]) { j.Routes[1].Name = "mini" },
		"Routes[0].Model is missing": func(j *durable.Job[durabletest.Ticket]) { // a Prompt names none
			j.Routes[0].Model, j.Routes[1].Model = "", ""
		},
		"Routes[1].Name is missing": func(j *durable.Job[durabletest.Ticket]) {
			j.Prompt, j.Request = nil, w.Formatted("m", `{"model":%q,"messages":[{"role":"user","content":%q}]}`).Request
			j.Routes[0].Model, j.Routes[1].Model, j.Routes[1].Name = "", "", ""
		},
		"Weight and Price":      func(j *durable.Job[durabletest.Ticket]) { j.Routes[1].Weight = -1 },
		"Routes[1].Least is -1": func(j *durable.Job[durabletest.Ticket]) { j.Routes[1].Least = -1 },
		"are both set":          func(j *durable.Job[durabletest.Ticket]) { j.Model = "m" },
		"are for a job with Routes": func(j *durable.Job[durabletest.Ticket]) {
			j.Provider, j.Model, j.Routes, j.RouteKey = w.Provider, "m", nil, func(durabletest.Ticket) string { return "" }
		},
	} {
		job := twoRoutes(w)
		change(&job)
		if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Routes without a model leave it to the requests, chats or not.
func TestRoutesAskTheModelsOfRequests(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(40)...)
	job := twoRoutes(w)
	job.Choose = router.RoundRobin[durable.Waiting]()
	job.Routes[0].Model, job.Routes[1].Model, job.Prompt = "", "", nil
	job.Routes[0].Name, job.Routes[1].Name = "one", "two"
	job.Request = func(tk durabletest.Ticket) (sink.Request, error) {
		n := len(tk.ID) % 2
		more := []string{"", `"metadata":{"no":"chat"},`}[n]
		return sink.Request{
			Endpoint: "/v1/chat/completions", Model: fmt.Sprint("gpt-", n),
			Body: fmt.Appendf(nil, `{"model":"gpt-%d",%s"messages":[{"role":"user","content":%q}]}`, n, more, tk.Text),
		}, nil
	}
	w.MustRun(job)
	got := byRoute(w.Results())
	for _, want := range []string{"one gpt-0", "one gpt-1", "two gpt-0", "two gpt-1"} {
		if got[want] == 0 {
			t.Errorf("none of %s in %v", want, got)
		}
	}
	w.WantBilledOnce(40)
}

// The cache does not care what a route is called, but what it asks with.
func TestTheCacheGoesByWhatARouteAsks(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(30)...)
	w.MustRun(twoRoutes(w))
	again := twoRoutes(w)
	again.Routes[0].Name = "renamed"
	report, got := w.MustRunAs("again", again, durabletest.Tickets(30)...)
	if diff := cmp.Diff(map[string]int{"renamed gpt-mini": 30}, byRoute(got)); diff != "" || report.FromCache != 30 {
		t.Errorf("%+v, -want +got:\n%s", report, diff)
	}
	other := twoRoutes(w)
	other.Routes[0].Options = llm.Options{"seed": json.RawMessage("1")}
	if report, _ := w.MustRunAs("other", other, durabletest.Tickets(30)...); report.FromCache != 0 {
		t.Errorf("with other options: %+v", report)
	}
}

// Items that are too few for a batch stay where they are if no other route
// takes them as one batch: it would be taken back, and they would go there
// again without end.
func TestAFewItemsThatNobodyTakesStay(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(15)...)
	job := twoRoutes(w)
	job.Routes[0].Least, job.Routes[1].Enqueued.Tokens = 100, 100
	w.MustRun(job)
	if diff := cmp.Diff(map[string]int{"mini gpt-mini": 15}, byRoute(w.Results())); diff != "" {
		t.Error(diff)
	}
}
