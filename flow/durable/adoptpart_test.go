package durable_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
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

// forgetRun runs the job in one batch, loses all that is known of it, and reads
// the input anew.
func forgetRun(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
	w.T.Helper()
	if report := w.MustRun(job); report.Succeeded != 9 || report.Batches != 1 {
		w.T.Fatalf("report %+v", report)
	}
	for _, name := range []string{"state", "out.jsonl"} {
		if err := os.RemoveAll(w.Path(name)); err != nil {
			w.T.Fatal(err)
		}
	}
	if _, err := w.With(w.T.Context(), job, durable.Ingest[durabletest.Ticket]); err != nil {
		w.T.Fatal(err)
	}
}

// removeRemote removes the provider's files of which the name has this in it.
func removeRemote(w *durabletest.World, part string) {
	w.T.Helper()
	removed := 0
	for _, f := range listRemote(w) {
		if !strings.Contains(f.Filename, part) {
			continue
		}
		removed++
		if err := w.Provider.Remove(w.T.Context(), sink.Handle{File: f.ID}); err != nil {
			w.T.Fatal(err)
		}
	}
	if removed != 1 {
		w.T.Fatalf("%d files removed: %+v", removed, listRemote(w))
	}
}

// adoptOne adopts the only batch.
func adoptOne(w *durabletest.World) durable.Orphan {
	w.T.Helper()
	all, err := w.StateDir().Adopt(w.T.Context(), w.Provider, "tickets", time.Now().Add(-24*time.Hour))
	if err != nil || len(all) != 1 {
		w.T.Fatalf("%+v, %v", all, err)
	}
	return all[0]
}

// One file of a batch that is gone, or cannot be read, does not take the other
// one along, and what was in it is counted.
func TestAdoptTakesTheFileThatIsThere(t *testing.T) {
	t.Parallel()
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
			durabletest.Bubble(t, simulator.Config{Answer: oneBad}, openai.Config{}, nil, func(w *durabletest.World) {
				w.Write("in.jsonl", durabletest.Tickets(10)...)
				job := w.Job()
				job.KeepRemote = durable.KeepForever
				forgetRun(w, job)
				if test.gone != "" {
					removeRemote(w, test.gone)
				}
				if f := test.fault; f.From > 0 {
					f.Route, f.Times, f.Action, f.Status = contentRoute, -1, simulator.ActionFail, http.StatusBadGateway
					w.SetFaults(f)
				}
				got := adoptOne(w)
				if !strings.HasPrefix(got.Left, test.left) || got.Adopted != test.adopted || (got.Left == "") != (got.Adopted > 0) {
					w.T.Errorf("%+v", got)
				}
				if diff := cmp.Diff(test.lost, got.Lost); diff != "" {
					w.T.Error(diff)
				}
				w.SetFaults()
				if test.left != "" {
					return
				}
				if report := w.MustRun(job); report.Succeeded != 9 || report.Failed != 1 || report.Batches != 2 {
					w.T.Errorf("report %+v", report)
				}
				if all := w.Server.Batches(); len(all) != 2 || all[1].Rows != 1 {
					w.T.Errorf("bought again: %+v", all)
				}
			})
		})
	}
}

// What was refused is not lost, as it never was.
func TestARefusedBatchIsNotLost(t *testing.T) {
	t.Parallel()
	for name, errs := range map[string][]simulator.BatchError{
		"a line":    {{Code: "invalid_json_line", Message: "m", Line: 1}},
		"the batch": {{Code: "model_not_found", Message: "m"}},
		"no reason": nil,
	} {
		t.Run(name, func(t *testing.T) {
			durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
				w.Write("in.jsonl", durabletest.Tickets(10)...)
				if _, err := w.With(w.T.Context(), w.Job(), durable.Ingest[durabletest.Ticket]); err != nil {
					w.T.Fatal(err)
				}
				w.SetFaults(
					simulator.Fault{Route: creation, Action: simulator.ActionInvalid, Errors: errs})
				u := &untagged{World: w}
				u.buy(ofAnother, 3)
				time.Sleep(time.Minute)
				if got := adoptOne(w); got.Left != "it was refused, and nothing of it ran" || got.Lost.Total() != 0 {
					w.T.Errorf("%+v", got)
				}
			})
		})
	}
}
