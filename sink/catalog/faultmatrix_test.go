package catalog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/simulator"
)

var (
	allFaults = flag.Bool("faults.all", false, "run all cells of the fault matrix, not a choice of them")
	oneFault  = flag.String("faults.only", "", "run the cells of the fault matrix whose names contain this")
)

// faults are what a provider may do to a call, as of the second of its kind
// unless they say so.
var faults = []struct {
	name  string
	fault simulator.Fault
	kinds []simulator.RouteKind // to which it can happen; none means all
}{
	{"429, wait in seconds", simulator.Fault{Action: simulator.ActionFail, Status: 429, Header: map[string]string{"Retry-After": "7"}}, nil},
	{"429, wait in milliseconds", simulator.Fault{Action: simulator.ActionFail, Status: 429, Header: map[string]string{"Retry-After-Ms": "1500.5"}}, nil},
	{"429, wait until a date", simulator.Fault{Action: simulator.ActionFail, Status: 429, Header: map[string]string{"Retry-After": "DATE"}}, nil},
	{"429 alone", simulator.Fault{Action: simulator.ActionFail, Status: 429}, nil},
	{"408", simulator.Fault{Action: simulator.ActionFail, Status: 408}, nil},
	{"500", simulator.Fault{Action: simulator.ActionFail, Status: 500}, nil},
	{"500 after it was done", simulator.Fault{Action: simulator.ActionFailAfter, Status: 500}, nil},
	{"502 in HTML", simulator.Fault{Action: simulator.ActionFail, Status: 502}, nil},
	{"503", simulator.Fault{Action: simulator.ActionFail, Status: 503}, nil},
	{"529", simulator.Fault{Action: simulator.ActionFail, Status: 529}, nil},
	{"504 in HTML after it was done", simulator.Fault{Action: simulator.ActionFailAfter, Status: 504}, nil},
	{"413 in HTML", simulator.Fault{Action: simulator.ActionFail, Status: 413}, []simulator.RouteKind{simulator.RouteUpload, simulator.RouteCreate}},
	{"404 at first", simulator.Fault{Action: simulator.ActionFail, Status: 404}, []simulator.RouteKind{
		simulator.RoutePoll, simulator.RouteList, simulator.RouteDownload, simulator.RouteDelete,
	}},
	{"no answer", simulator.Fault{Action: simulator.ActionHang}, nil},
	{"a reset before it was done", simulator.Fault{Action: simulator.ActionReset}, nil},
	{"a reset after it was done", simulator.Fault{Action: simulator.ActionResetAfter}, nil},
	{"done later", simulator.Fault{Action: simulator.ActionLate, Delay: 20 * time.Second}, nil},
	{"slow", simulator.Fault{Action: simulator.ActionSlow, Delay: 40 * time.Second}, nil},
	{"a byte at a time", simulator.Fault{Action: simulator.ActionTrickle, Delay: 10 * time.Millisecond}, nil},
	{"truncated", simulator.Fault{Action: simulator.ActionTruncate}, nil},
	{"cut in order", simulator.Fault{Action: simulator.ActionCut}, nil},
	{"cut at the end of a line", simulator.Fault{Action: simulator.ActionCutLines}, []simulator.RouteKind{simulator.RouteDownload}},
	{"compressed", simulator.Fault{Action: simulator.ActionCompress, Times: -1}, nil},
	{"of a wrong type", simulator.Fault{Action: simulator.ActionMerge, Merge: json.RawMessage("{}"), Header: map[string]string{"Content-Type": "text/html"}, Times: -1}, nil},
	{"after blank lines", simulator.Fault{Action: simulator.ActionPrepend, Body: "\r\n \n"}, nil},
	{"an empty body", simulator.Fault{Action: simulator.ActionReplace}, nil},
	{"a page of maintenance", simulator.Fault{Action: simulator.ActionReplace, Body: "<html>We will be back.</html>", Header: map[string]string{"Content-Type": "text/html"}}, nil},
	{"a list instead of an object", simulator.Fault{Action: simulator.ActionReplace, Body: "[]"}, nil},
	{"members that nobody knows", simulator.Fault{Action: simulator.ActionMerge, Merge: json.RawMessage(`{"unheard":{"of":[1,null,{"x":1e400}]},"":{}}`), Times: -1}, nil},
	{"members of other types", simulator.Fault{Action: simulator.ActionMerge, Merge: json.RawMessage(
		`{"created_at":"soon","expires_at":{},"ended_at":[],"errors":"x","usage":7,"request_counts":"none","completed_requests":{},` +
			`"total_requests":"x","bytes":"many","num_lines":[],"metadata":{"createTime":7,"batchStats":"x","endTime":[]}}`,
	)}, nil},
	{"a status that nobody knows", simulator.Fault{Action: simulator.ActionMerge, Merge: json.RawMessage(
		`{"status":"pondering","processing_status":"pondering","metadata":{"state":"BATCH_STATE_PONDERING"},"done":null}`,
	), Times: 3}, []simulator.RouteKind{simulator.RouteCreate, simulator.RoutePoll, simulator.RouteCancel}},
	{"as it was", simulator.Fault{Action: simulator.ActionStale, Delay: 3 * time.Minute, Times: 4}, []simulator.RouteKind{
		simulator.RoutePoll, simulator.RouteList, simulator.RouteDownload,
	}},
	{"a step back", simulator.Fault{Action: simulator.ActionStale, Delay: 10 * time.Minute, From: 12, Times: 2}, []simulator.RouteKind{simulator.RoutePoll}},
	{"as it was long ago", simulator.Fault{Action: simulator.ActionStale, Delay: 24 * time.Hour, Times: 4}, []simulator.RouteKind{
		simulator.RoutePoll, simulator.RouteList, simulator.RouteDownload,
	}},
	{"a batch that is refused for no reason", simulator.Fault{Action: simulator.ActionInvalid}, []simulator.RouteKind{simulator.RouteCreate}},
}

// matrix counts the cells.
type matrix struct{ ran, unmet, skipped atomic.Int64 }

// TestFaultMatrix lets each fault happen to each kind of call of each provider,
// in a run of its own: in the end every row has one result, and none was billed
// twice.
func TestFaultMatrix(t *testing.T) {
	var m matrix
	t.Cleanup(func() {
		t.Logf("fault matrix: %d cells of fault, call and provider passed; %d skipped, as the fault cannot happen there; %d in which a run makes no such call",
			m.ran.Load(), m.skipped.Load(), m.unmet.Load())
	})
	for i, p := range catalog.All() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			if reason := played(&p); reason != "" {
				m.skipped.Add(int64(len(faults)))
				t.Skipf("no fault can happen to it: %s", reason)
			}
			m.provider(t, &p, i)
		})
	}
}

// choice is how many faults there are for each that is tried without
// -faults.all.
const choice = 12

// provider runs the cells of a provider: all of them, or of some of the faults
// one each. They are others for each provider.
func (m *matrix) provider(t *testing.T, p *catalog.Provider, n int) {
	t.Helper()
	called := callsOf(t, p)
	for f := range faults {
		routes := suffering(p, faults[f].kinds)
		m.skipped.Add(int64(len(routesOf(p)) - len(routes))) // it cannot happen to such calls
		for r, route := range routes {
			name := faults[f].name + "/" + route.Name
			chosen := *allFaults || f%choice == 3*n%choice && (f+n)%len(routes) == r
			if *oneFault != "" {
				chosen = strings.Contains(p.Name+"/"+name, *oneFault)
			}
			switch {
			case chosen && called != nil && !called[route.Name]:
				m.unmet.Add(1)
			case chosen:
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					m.cell(t, p, f, route)
				})
			}
		}
	}
}

// callsOf returns what runs call if all goes well, if answers are lost, and if
// they are cancelled, so that no run is made for a fault that none can meet. It
// is nil if only some runs are to be made.
func callsOf(t *testing.T, p *catalog.Provider) map[string]bool {
	t.Helper()
	if !*allFaults {
		return nil
	}
	called := make(map[string]bool)
	for _, kind := range []simulator.RouteKind{simulator.RouteCreate, simulator.RouteList, simulator.RouteCancel} {
		synctest.Test(t, func(t *testing.T) {
			for _, r := range suffer(t, p, simulator.Fault{}, simulator.Route{Kind: kind}) {
				called[r.Route] = true
			}
		})
	}
	return called
}

// suffering are the calls to a provider that are of some kinds; none means all.
func suffering(p *catalog.Provider, kinds []simulator.RouteKind) []simulator.Route {
	return slices.DeleteFunc(routesOf(p), func(r simulator.Route) bool { return kinds != nil && !slices.Contains(kinds, r.Kind) })
}

// routesOf are the calls that a run makes to a provider.
func routesOf(p *catalog.Provider) []simulator.Route {
	return slices.DeleteFunc(simulator.Config{Provider: p.Name}.Routes(), func(r simulator.Route) bool {
		return r.Provider != p.Name || r.Kind == simulator.RouteLive || strings.HasSuffix(r.Name, "/") || r.Name == "/"
	})
}

func (m *matrix) cell(t *testing.T, p *catalog.Provider, f int, route simulator.Route) {
	t.Helper()
	fault, met := faults[f].fault, false
	if fault.Action == simulator.ActionInvalid && !mayBeInvalid(p, route) {
		m.skipped.Add(1)
		t.Skip("no batch of the provider fails as a whole")
	}
	synctest.Test(t, func(t *testing.T) {
		for _, r := range suffer(t, p, fault, route) {
			met = met || r.Fault == fault.Action && r.Route == route.Name
		}
	})
	switch {
	case t.Failed():
	case !met:
		m.unmet.Add(1)
		t.Skip("no such call is made")
	default:
		m.ran.Add(1)
	}
}

// mayBeInvalid reports whether batches that a route creates may fail
// validation.
func mayBeInvalid(p *catalog.Provider, route simulator.Route) bool {
	s, err := simulator.New(simulator.Config{Provider: p.Name, Faults: []simulator.Fault{{Route: route.Name, Action: simulator.ActionInvalid}}})
	return err == nil && s.Close() == nil
}

const matrixRows = 20

// suffer runs a job at a provider with a fault, if there is one, and returns
// the calls that it made.
func suffer(t *testing.T, p *catalog.Provider, fault simulator.Fault, route simulator.Route) (calls []simulator.Request) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*24*time.Hour)
	defer cancel()
	server, err := simulator.StartPipe(simulator.Config{Provider: p.Name, Latency: simulator.Latency{
		Validation: time.Minute, Processing: 20 * time.Minute, Finalizing: time.Minute, Cancelling: time.Minute,
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	server.URL = "http://127.0.0.1" // a client wants https of any other host
	fault.Route = route.Name
	if fault.Times == 0 {
		fault.Times = 2
	}
	if fault.Status == http.StatusNotFound && route.Kind == simulator.RouteList {
		fault.From = 2 // the first call of a run is a list, and says whether there is such a provider
	}
	if fault.Header["Retry-After"] == "DATE" {
		fault.Header = map[string]string{"Retry-After": time.Now().Add(11 * time.Second).UTC().Format(http.TimeFormat)}
	}
	all := leadingTo(p, route)
	if fault.Action != "" {
		all = append([]simulator.Fault{fault}, all...)
	}
	if err := server.SetFaults(all...); err != nil {
		t.Fatal(err)
	}
	client, err := p.Connect(secret, catalog.Config{
		BaseURL: server.BaseURL(""), Transport: server.Client().Transport, Calls: sink.EvenCalls(1_000_000),
	})
	if err != nil {
		t.Fatal(err)
	}
	sufferUntilDone(ctx, t, p, client, route.Kind == simulator.RouteCancel)
	wantBilledOnce(t, server)
	for r, err := range server.Requests() {
		if err != nil {
			t.Fatal(err)
		}
		calls = append(calls, r)
	}
	return calls
}

// leadingTo are faults that make a run call a route: it looks for batches and
// files whose creation was not answered.
func leadingTo(p *catalog.Provider, route simulator.Route) (lost []simulator.Fault) {
	if route.Kind != simulator.RouteList && route.Kind != "" {
		return nil
	}
	for _, r := range routesOf(p) {
		if r.Kind == simulator.RouteCreate || r.Kind == simulator.RouteUpload {
			lost = append(lost, simulator.Fault{Route: r.Name, Action: simulator.ActionResetAfter})
		}
	}
	return lost
}

// sufferUntilDone starts a job as often as it stops for what passes. One that
// is cancelled runs into a time limit.
func sufferUntilDone(ctx context.Context, t *testing.T, p *catalog.Provider, client sink.Provider, cancelled bool) {
	t.Helper()
	dir := t.TempDir()
	var report durable.Report
	var err error
	for range 6 {
		job, done := jobIn(t, p, dir, client, slog.New(slog.DiscardHandler), matrixRows)
		job.Batch.MaxItems, job.Batch.MaxWait = matrixRows/2, time.Minute
		if cancelled {
			job.TimeLimit = 10 * time.Minute
		}
		report, err = durable.Run(ctx, job)
		done()
		if err == nil || retry.ClassOf(err) != retry.Retryable {
			break
		}
		time.Sleep(time.Minute)
	}
	if limit, ok := errors.AsType[*durable.CancelledError](err); ok && cancelled {
		t.Log(limit)
		err = nil
	}
	if err != nil {
		t.Fatalf("%v, %+v", err, report)
	}
	results := readResults(t, filepath.Join(dir, "out.jsonl"))
	if !cancelled && (len(results) != matrixRows || report.Succeeded != matrixRows) {
		t.Errorf("%d results: %+v %v", len(results), report, results)
	}
}

// readResults returns the rows in an output by id, and fails if one is there
// twice.
func readResults(t *testing.T, name string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for line := range bytes.Lines(b) {
		var r durable.Result
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if _, twice := got[r.ID]; twice {
			t.Errorf("row %s has two results", r.ID)
		}
		got[r.ID] = string(r.Status)
		if r.Error != nil {
			got[r.ID] += ": " + fmt.Sprintf("%+v", *r.Error)
		}
	}
	return got
}

// wantBilledOnce fails if a row was billed twice.
func wantBilledOnce(t *testing.T, server *simulator.Server) {
	t.Helper()
	bills, err := simulator.Tally(server.Executions(), simulator.AfterTag)
	if err != nil {
		t.Fatal(err)
	}
	for id, b := range bills {
		if b.Billed > 1 {
			t.Errorf("row %s was billed %d times", id, b.Billed)
		}
	}
}
