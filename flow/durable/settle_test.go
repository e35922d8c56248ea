package durable_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// failEven fails every second row for good.
func failEven(r simulator.Row) simulator.Reply {
	for _, digit := range "02468" {
		if strings.Contains(string(r.Body), "number "+string(digit)) {
			return simulator.Reply{Error: &simulator.RowError{Status: 400, Code: "even", Message: "an even row"}}
		}
	}
	return simulator.Echo(r)
}

// first remembers which batch was seen first.
type first struct{ id atomic.Value }

func (f *first) is(id string) bool {
	f.id.CompareAndSwap(nil, id)
	return f.id.Load() == id
}

// Whatever the terminal status of a batch and whichever files it has: what is
// in them counts, and only the rest goes again, which is not counted as run.
// Where none is, because the batch was refused as a whole, that takes no
// attempt.
func TestEveryEndOfABatchIsSettled(t *testing.T) {
	t.Parallel()
	const rows = 8
	for _, status := range []string{"completed", "failed", "expired", "cancelled"} {
		for files, has := range map[string]struct{ output, errors bool }{
			"both files": {true, true}, "an output file": {true, false}, "an error file": {false, true}, "no file": {},
		} {
			if status == "completed" && files == "no file" {
				continue // of which some rows must have run: see TestCountsThatAreLateBuyNothing
			}
			var batch first
			wrap := edit(func(id string, b map[string]any) {
				if b["status"] != "completed" || !batch.is(id) {
					return
				}
				b["status"] = status
				counts := b["request_counts"].(map[string]any) //nolint:forcetypeassert // as the simulator writes it
				if !has.output {
					b["output_file_id"], counts["completed"] = nil, 0
				}
				if !has.errors {
					b["error_file_id"], counts["failed"] = nil, 0
				}
			})
			durabletest.Bubble(t, simulator.Config{Answer: failEven}, openai.Config{}, wrap, func(w *durabletest.World) {
				t := w.T
				w.Write("in.jsonl", durabletest.Tickets(rows)...)
				report := w.MustRun(w.Job())
				refused, again := status == "failed" && files == "no file", 0
				for id, r := range w.Results() {
					odd := strings.ContainsAny(id, "1357")
					there := odd && has.output || !odd && has.errors
					attempts := 2
					if there || refused {
						attempts = 1
					} else {
						again++
					}
					if r.Attempts != attempts || (r.Status == durable.ItemSucceeded) != odd {
						t.Errorf("%s with %s: %s: %+v", status, files, id, r)
					}
				}
				if report.Retried != again || report.Unexpected != (durable.UnexpectedRows{Missing: again}) {
					t.Errorf("%s with %s: %d went again: report %+v", status, files, again, report)
				}
			})
		}
	}
}

func TestStraysAreCountedByKind(t *testing.T) {
	t.Parallel()
	const rows = 20
	for name, test := range map[string]struct {
		faults simulator.RowFaults
		want   durable.UnexpectedRows
	}{
		"repeated": {simulator.RowFaults{Repeated: 1}, durable.UnexpectedRows{Repeated: rows}},
		"foreign":  {simulator.RowFaults{Foreign: 1}, durable.UnexpectedRows{Foreign: rows}},
		"surplus":  {simulator.RowFaults{Surplus: 1}, durable.UnexpectedRows{Surplus: rows}},
	} {
		durabletest.Bubble(t, simulator.Config{Rows: test.faults}, openai.Config{}, nil, func(w *durabletest.World) {
			t := w.T
			w.Write("in.jsonl", durabletest.Tickets(rows)...)
			job := w.Job()
			job.MaxAttempts = 2
			report := w.MustRun(job)
			if report.Unexpected != test.want || report.Failed != 0 {
				t.Errorf("%s: report %+v", name, report)
			}
			if n := len(w.Results()); n != rows {
				t.Errorf("%s: %d results", name, n)
			}
		})
	}
}

// doubled creates every batch two times and says that it does not know.
type doubled struct{ sink.Provider }

func (p doubled) Create(ctx context.Context, s sink.Spec, file string, rows sink.Rows) (string, error) {
	for range 2 {
		if _, err := p.Provider.Create(ctx, s, file, rows); err != nil {
			return "", err
		}
	}
	return "", retry.Mark(errors.New("no answer"), retry.Ambiguous)
}

func TestASecondBatchChangesNoResultAndIsWaste(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(20)...)
		job := w.Job()
		job.Provider = doubled{w.Provider}
		report := w.MustRun(job)
		if len(w.Server.Batches()) != 2 || report.Batches != 1 || report.Succeeded != 20 {
			t.Errorf("%d batches, report %+v", len(w.Server.Batches()), report)
		}
		if report.DuplicateSpend.Input == 0 || report.DuplicateSpend != report.Usage { // both had the same rows
			t.Errorf("waste %+v, usage %+v", report.DuplicateSpend, report.Usage)
		}
	})
}

// The file of a batch may expire before the batch is created. OpenAI finds out
// when it validates the batch, others when it is created.
func TestAFileThatIsGoneIsUploadedAgain(t *testing.T) {
	t.Parallel()
	creation := simulator.Fault{Route: "POST /v1/batches", Action: simulator.ActionFail, Status: http.StatusForbidden}
	for name, later := range map[string][]simulator.Fault{
		"validation": nil,
		"creation":   {{Route: creation.Route, Action: simulator.ActionFail, Status: http.StatusNotFound}},
	} {
		durabletest.Bubble(t, simulator.Config{Faults: []simulator.Fault{creation}}, openai.Config{}, nil, func(w *durabletest.World) {
			t := w.T
			w.Write("in.jsonl", durabletest.Tickets(20)...)
			job := w.Job()
			job.MaxAttempts = 1 // of which this takes none away
			if _, err := w.Run(t.Context(), job); retry.ClassOf(err) != retry.Blocked {
				t.Fatal(err)
			}
			for _, id := range remoteFiles(w) {
				if err := w.Provider.Remove(t.Context(), sink.Handle{File: id}); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Server.SetFaults(later...); err != nil {
				t.Fatal(err)
			}
			if report := w.MustRun(job); report.Succeeded != 20 || report.Failed != 0 {
				t.Errorf("at %s: report %+v", name, report)
			}
			w.WantBilledOnce(20)
		})
	}
}
