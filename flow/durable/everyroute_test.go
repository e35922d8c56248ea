package durable_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/simulator"
)

// onBoth is a job that asks two models about each ticket.
func onBoth(w *durabletest.World) durable.Job[durabletest.Ticket] {
	job := twoRoutes(w)
	job.EveryRoute = true
	return job
}

// Each item is asked on each route, through a stop in the middle, and items
// that ask the same are not mixed up between the routes.
func TestEveryRouteAnswersEachItem(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{
		Answer:  func(r simulator.Row) simulator.Reply { return simulator.Reply{Text: r.Model + " on " + r.Prompt()} },
		Latency: simulator.Latency{Processing: 20 * time.Millisecond},
	})
	w.Write("in.jsonl", append(durabletest.Tickets(50), `{"id":"same","text":"ticket number 7"}`)...)
	job := onBoth(w)
	job.MaxInFlight = 2
	w.Leave(job, 30)
	report := w.MustRun(job)
	results := w.Results()
	for id, r := range results {
		n := strings.TrimPrefix(r.Item, "t-")
		if r.Item == "same" {
			n = "7"
		}
		if want := fmt.Sprintf("gpt-%s on Summarise: ticket number %s", r.Route, n); r.Text != want || id != r.Item+"@"+r.Route || len(r.Tried) > 0 {
			t.Errorf("%s, of %s on %s: %q, want %q", id, r.Item, r.Route, r.Text, want)
		}
	}
	if len(results) != 102 || report.Rows != 102 || report.Shared != 2 || report.Duplicates != 0 {
		t.Errorf("%d results, and %+v", len(results), report.Progress)
	}
	w.WantBilledOnce(100)
}

// An item may name the only route that it takes, and none other.
func TestARouteKeyNamesTheOnlyRoute(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(3)...)
	job := onBoth(w)
	only := map[string]string{"t-1": "large"}
	job.RouteKey = func(t durabletest.Ticket) string { return only[t.ID] }
	w.MustRun(job)
	var got []string
	for id := range w.Results() {
		got = append(got, id)
	}
	slices.Sort(got)
	if want := []string{"t-0@large", "t-0@mini", "t-1@large", "t-2@large", "t-2@mini"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	only["t-2"] = "none"
	if _, _, err := w.RunAs("other", job, durabletest.Tickets(3)...); err == nil || !strings.Contains(err.Error(), `no route has that name`) {
		t.Error(err)
	}
}

// Rows that one route has failed are letters of their items that name the
// route.
func TestEveryRouteHasItsDeadLetters(t *testing.T) {
	t.Parallel()
	fails := func(r simulator.Row) simulator.Reply {
		if p := r.Prompt(); strings.HasSuffix(p, " 4") || r.Model == "gpt-mini" && strings.HasSuffix(p, " 2") {
			return simulator.Reply{Error: &simulator.RowError{Status: 400, Code: "refused", Message: "no"}}
		}
		return simulator.Echo(r)
	}
	w := durabletest.New(t, simulator.Config{Answer: fails})
	w.Write("in.jsonl", durabletest.Tickets(6)...)
	w.MustRun(onBoth(w))
	var got []string
	letters := archive.DeadLetters(w.Archive("tickets"), archive.Query{Codec: w.Provider.Info().Codec},
		source.JSONL[durabletest.Ticket](w.Path("in.jsonl")), func(t durabletest.Ticket) string { return t.ID })
	for l, err := range letters {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, l.ID+" "+l.Route+" "+l.Item.Text)
	}
	if diff := cmp.Diff([]string{"t-2 mini ticket number 2", "t-4 mini ticket number 4", "t-4 large ticket number 4"}, got); diff != "" {
		t.Error(diff)
	}
}

// What would let an item take another route, or none, is refused before
// anything is bought, and so are other routes once items were read.
func TestEveryRouteIsChecked(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Latency: simulator.Latency{Processing: 50 * time.Millisecond}})
	w.Write("in.jsonl", durabletest.Tickets(40)...)
	for want, edit := range map[string]func(*durable.Job[durabletest.Ticket]){
		"several Routes":        func(j *durable.Job[durabletest.Ticket]) { j.Routes = j.Routes[:1] },
		"each says which route": func(j *durable.Job[durabletest.Ticket]) { j.Choose = router.RoundRobin[durable.Waiting]() },
		"leave it out":          func(j *durable.Job[durabletest.Ticket]) { j.Failover = durable.FailoverFailed },
		"has Least or Within":   func(j *durable.Job[durabletest.Ticket]) { j.Routes[1].Least = 2 },
		"another Name":          func(j *durable.Job[durabletest.Ticket]) { j.Routes[0].Name = "a@b" },
		"have 301 bytes":        func(j *durable.Job[durabletest.Ticket]) { j.Routes[1].Name = strings.Repeat("x", 297) },
	} {
		job := onBoth(w)
		edit(&job)
		if _, _, err := w.RunAs(want, job, durabletest.Tickets(40)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
	other := w.Formatted("gpt-mini", `{"model":%q,"messages":[{"role":"user","content":%q}],"mystery":{}}`)
	other.Provider, other.Model, other.Routes, other.EveryRoute = nil, "", onBoth(w).Routes, true
	if _, _, err := w.RunAs("bodies", other, durabletest.Tickets(40)...); err == nil || !strings.Contains(err.Error(), "write it as a chat") {
		t.Error(err)
	}
	if n := len(w.Server.Batches()); n > 0 {
		t.Fatalf("%d batches were bought", n)
	}
	job := onBoth(w)
	job.MaxInFlight = 1
	w.Leave(job, 20)
	job.Routes = job.Routes[:2:2]
	job.Routes[1].Name = "huge"
	_, err := w.Run(t.Context(), job)
	if _, ok := errors.AsType[*durable.MismatchError](err); !ok || !strings.Contains(err.Error(), "EveryRoute") {
		t.Errorf("with other routes: %v", err)
	}
}
