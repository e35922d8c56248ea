package durable_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/sink/live"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// A batch that takes longer than its route lets it is cancelled. What it has
// answered counts, and its other rows go on to the next route, also if a
// process ends between.
func TestABatchMayTakeNoLongerThanItsRouteSays(t *testing.T) {
	t.Parallel()
	slow := simulator.Latency{Processing: time.Hour, Cancelling: time.Minute}
	durabletest.Bubble(t, simulator.Config{Latency: slow}, openai.Config{}, edit(saysNothing), func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(40)...)
		p := openLive(w, "sk-test", live.Config{})
		defer closeLive(w, p)
		job := besides(w, p)
		job.Choose, job.Failover = nil, durable.FailoverFailed
		job.Routes[0].Window, job.Routes[0].MaxAttempts = 30*time.Minute, 1
		w.LeaveWhen(job, func(durable.Progress) bool { return time.Since(w.Log.Start) > 31*time.Minute })
		report := w.MustRun(job)
		if took := time.Since(w.Log.Start); took > 40*time.Minute {
			t.Errorf("it took %s", took)
		}
		routes := make(map[string]int)
		for id, r := range w.Results() {
			routes[r.Route]++
			if byLive := len(r.Tried) == 1 && r.Tried[0].Route == "batch"; byLive != (r.Route == "live") {
				t.Errorf("%s: %+v", id, r)
			}
		}
		if routes["batch"] == 0 || routes["live"] == 0 || report.Succeeded != 40 || report.Unexpected.Missing > 0 {
			t.Errorf("by %v: %+v", routes, report)
		}
		w.WantBilledOnce(40)
	})
}

// mostOpen follows how many batches of each route are open at the provider.
type mostOpen struct{ now, most map[string]int }

func (m *mostOpen) observe(e durable.Event) {
	if e.Batch == nil {
		return
	}
	is := func(state string) int {
		if state == "creating" || state == "submitted" {
			return 1
		}
		return 0
	}
	r := e.Batch.Route
	m.now[r] += is(e.Batch.State) - is(e.Batch.Was)
	m.most[r] = max(m.most[r], m.now[r])
}

// A type of work has a limit of its own: no more batches of its route are open,
// through restarts, and those of the other route do not wait for it, though
// both ask the same model of one account.
func TestATypeOfWorkHasLimitsOfItsOwn(t *testing.T) {
	t.Parallel()
	slow := simulator.Latency{Processing: 10 * time.Minute}
	durabletest.Bubble(t, simulator.Config{Latency: slow}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", ticketsOf(60, "bulk", "chat")...)
		job := w.BriskJob()
		job.Routes = []durable.Route{
			{Name: "bulk", Provider: job.Provider, Model: "gpt-test", MaxInFlight: 2},
			{Name: "chat", Provider: job.Provider, Model: "gpt-test"},
		}
		job.Provider, job.Model, job.Batch.MaxItems = nil, "", 10
		job.RouteKey = kindOf
		job.Choose = router.ByTable(func(i durable.Waiting) string { return i.RouteKey }, map[string]string{"bulk": "bulk"}, "chat")
		open := &mostOpen{now: make(map[string]int), most: make(map[string]int)}
		job.Observe = open.observe
		w.LeaveWhen(job, func(durable.Progress) bool { return time.Since(w.Log.Start) > 5*time.Minute })
		if open.most["bulk"] != 2 || open.most["chat"] != 6 {
			t.Errorf("open at most: %v", open.most)
		}
		w.MustRun(job)
		if open.most["bulk"] != 2 {
			t.Errorf("open at most: %v", open.most)
		}
		if took := time.Since(w.Log.Start); took < 30*time.Minute || took > 40*time.Minute {
			t.Errorf("three turns of ten minutes took %s", took)
		}
		w.WantBilledOnce(120)
	})
}

// Limits that make no sense are refused.
func TestLimitsOfARouteAreChecked(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	for i, edit := range []func(*durable.Route){
		func(r *durable.Route) { r.MaxInFlight = -1 },
		func(r *durable.Route) { r.Window = -1 },
	} {
		job := twoRoutes(w)
		edit(&job.Routes[1])
		if _, _, err := w.RunAs(fmt.Sprint(i), job, durabletest.Tickets(1)...); err == nil || !strings.Contains(err.Error(), "Routes[1]: MaxInFlight and Window") {
			t.Error(err)
		}
	}
}
