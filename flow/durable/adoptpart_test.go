package durable_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// oneBad answers all rows but one.
func oneBad(r simulator.Row) simulator.Reply {
	if strings.Contains(string(r.Body), "number 3") {
		return simulator.Reply{Error: &simulator.RowError{Status: http.StatusBadRequest, Code: "bad", Message: "no"}}
	}
	return simulator.Echo(r)
}

// forget runs the job in one batch, loses all that is known of it, and reads the
// input anew.
func (w *airtight) forget(job durable.Job[ticket]) {
	w.t.Helper()
	if report := w.mustRun(job); report.Succeeded != 9 || report.Batches != 1 {
		w.t.Fatalf("report %+v", report)
	}
	for _, name := range []string{"state", "out.jsonl"} {
		if err := os.RemoveAll(w.path(name)); err != nil {
			w.t.Fatal(err)
		}
	}
	if _, err := w.with(w.t.Context(), job, durable.Ingest[ticket]); err != nil {
		w.t.Fatal(err)
	}
}

// removeRemote removes the provider's files of which the name has this in it.
func (w *airtight) removeRemote(part string) {
	w.t.Helper()
	removed := 0
	for _, f := range w.list() {
		if !strings.Contains(f.Filename, part) {
			continue
		}
		removed++
		if err := w.provider.Remove(w.t.Context(), sink.Handle{File: f.ID}); err != nil {
			w.t.Fatal(err)
		}
	}
	if removed != 1 {
		w.t.Fatalf("%d files removed: %+v", removed, w.list())
	}
}

// adoptOne adopts the only batch.
func (w *airtight) adoptOne() durable.Adoption {
	w.t.Helper()
	store, err := state.Open(w.path("state"), state.Config{Log: quiet})
	if err != nil {
		w.t.Fatal(err)
	}
	defer store.Close()
	all, err := durable.Adopt(w.t.Context(), w.provider, store, "tickets", time.Now().Add(-24*time.Hour))
	if err != nil || len(all) != 1 {
		w.t.Fatalf("%+v, %v", all, err)
	}
	return all[0]
}

// One file of a batch that is gone, or cannot be read, does not take the other
// one along, and what was in it is counted.
func TestAdoptTakesTheFileThatIsThere(t *testing.T) {
	for name, test := range map[string]struct {
		gone    string // a file that was removed
		fault   simulator.Fault
		adopted int
		left    string
		lost    durable.Lost
	}{
		"all is there":            {adopted: 9, lost: durable.Lost{Failed: 1}},
		"no error file":           {gone: "error", adopted: 9, lost: durable.Lost{Gone: 1}},
		"no output file":          {gone: "output", left: "its results are gone at the provider", lost: durable.Lost{Failed: 1, Gone: 9}},
		"the error file is down":  {fault: simulator.Fault{From: 2}, adopted: 9, lost: durable.Lost{Gone: 1}},
		"the output file is down": {fault: simulator.Fault{From: 1}, left: "its results cannot be read now, so adopt it again: ", lost: durable.Lost{Gone: 10}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, simulator.Config{Answer: oneBad}, openai.Config{}, nil, func(w *airtight) {
				w.write("in.jsonl", tickets(10)...)
				job := w.job()
				job.KeepRemote = durable.KeepForever
				w.forget(job)
				if test.gone != "" {
					w.removeRemote(test.gone)
				}
				if f := test.fault; f.From > 0 {
					f.Route, f.Times, f.Action, f.Status = contentRoute, -1, simulator.Fail, http.StatusBadGateway
					w.setFaults(f)
				}
				got := w.adoptOne()
				if !strings.HasPrefix(got.Left, test.left) || got.Adopted != test.adopted || (got.Left == "") != (got.Adopted > 0) {
					w.t.Errorf("%+v", got)
				}
				if diff := cmp.Diff(test.lost, got.Lost); diff != "" {
					w.t.Error(diff)
				}
				w.setFaults()
				if test.left != "" {
					return
				}
				if report := w.mustRun(job); report.Succeeded != 9 || report.Failed != 1 || report.Batches != 2 {
					w.t.Errorf("report %+v", report)
				}
				if all := w.server.Batches(); len(all) != 2 || all[1].Rows != 1 {
					w.t.Errorf("bought again: %+v", all)
				}
			})
		})
	}
}

// What was refused is not lost, as it never was.
func TestARefusedBatchIsNotLost(t *testing.T) {
	for name, errs := range map[string][]simulator.BatchError{
		"a line":    {{Code: "invalid_json_line", Message: "m", Line: 1}},
		"the batch": {{Code: "model_not_found", Message: "m"}},
		"no reason": nil,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *airtight) {
				w.write("in.jsonl", tickets(10)...)
				if _, err := w.with(w.t.Context(), w.job(), durable.Ingest[ticket]); err != nil {
					w.t.Fatal(err)
				}
				w.setFaults(
					simulator.Fault{Route: creation, Action: simulator.Invalid, Errors: errs})
				u := &untagged{world: w.world}
				u.buy(ofAnother, 3)
				time.Sleep(time.Minute)
				if got := w.adoptOne(); got.Left != "it was refused, and nothing of it ran" || got.Lost.Total() != 0 {
					w.t.Errorf("%+v", got)
				}
			})
		})
	}
}
