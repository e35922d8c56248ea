package durable_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// countTooLarge counts the uploads that were refused for their size.
func countTooLarge(w *durabletest.World) (n int) {
	w.T.Helper()
	for r, err := range w.Server.Requests() {
		if err != nil {
			w.T.Fatal(err)
		}
		if r.Status == http.StatusRequestEntityTooLarge {
			n++
		}
	}
	return n
}

// A hundred rows are too many, and so are fifty: from then on batches have
// twenty-five, in the next run too.
func TestABatchThatIsTooLargeIsHalved(t *testing.T) {
	t.Parallel()
	cfg := simulator.Config{
		Limits: simulator.Limits{UploadBytes: 8000},
		Faults: []simulator.Fault{{Route: "POST /v1/batches", Action: simulator.ActionFail, Status: http.StatusForbidden}},
	}
	durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(500)...)
		job := w.Job()
		job.ReadAll, job.MaxInFlight, job.MaxAttempts = true, 1, 1
		if _, err := w.Run(t.Context(), job); retry.ClassOf(err) != retry.Blocked {
			t.Fatal(err)
		}
		if n := countTooLarge(w); n != 2 {
			t.Errorf("%d uploads were too large, want 2", n)
		}
		report := w.MustRun(job)
		if n := countTooLarge(w); n != 2 {
			t.Errorf("%d uploads were too large, want no more", n)
		}
		if report.Succeeded != 500 || report.Batches < 20 || report.Batches > 25 || report.Retried != 0 {
			t.Errorf("report %+v", report)
		}
		for id, r := range w.Results() {
			if r.Attempts != 1 {
				t.Errorf("%s: %+v", id, r)
			}
		}
		w.WantBilledOnce(500)
	})
}

func TestABatchThatIsTooLargeToCreateIsHalved(t *testing.T) {
	t.Parallel()
	large := simulator.Fault{Route: "POST /v1/batches", Action: simulator.ActionFail, Status: http.StatusRequestEntityTooLarge}
	durabletest.Bubble(t, simulator.Config{Faults: []simulator.Fault{large}}, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(99)...)
		if report := w.MustRun(w.Job()); report.Succeeded != 99 || report.Batches != 2 {
			t.Errorf("report %+v", report)
		}
		w.WantBilledOnce(99)
	})
}

// One row that no batch can hold does not hold up the others.
func TestARowThatIsTooLargeFailsAlone(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{Limits: simulator.Limits{UploadBytes: 4000}}, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		lines := durabletest.Tickets(9)
		lines[4] = `{"id":"huge","text":"` + strings.Repeat("x", 5000) + `"}`
		w.Write("in.jsonl", lines...)
		report := w.MustRun(w.Job())
		if report.Succeeded != 8 || report.Failed != 1 {
			t.Errorf("report %+v", report)
		}
		r := w.Results()["huge"]
		if r.Error == nil || r.Error.Class != retry.Permanent || r.Error.Code != "too_large" || !strings.Contains(r.Error.Message, "larger than the provider takes") {
			t.Errorf("result %+v", r)
		}
		w.WantBilledOnce(8)
	})
}
