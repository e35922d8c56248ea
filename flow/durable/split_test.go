package durable_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// tooLarge counts the uploads that were refused for their size.
func (w *airtight) tooLarge() (n int) {
	w.t.Helper()
	for r, err := range w.server.Requests() {
		if err != nil {
			w.t.Fatal(err)
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
	cfg := simulator.Config{
		Limits: simulator.Limits{UploadBytes: 8000},
		Faults: []simulator.Fault{{Route: "POST /v1/batches", Action: simulator.Fail, Status: http.StatusForbidden}},
	}
	bubble(t, cfg, openai.Config{}, nil, func(w *airtight) {
		t := w.t
		w.write("in.jsonl", tickets(500)...)
		job := w.job()
		job.ReadAll, job.MaxInFlight, job.MaxAttempts = true, 1, 1
		if _, err := w.run(t.Context(), job); retry.ClassOf(err) != retry.Blocked {
			t.Fatal(err)
		}
		if n := w.tooLarge(); n != 2 {
			t.Errorf("%d uploads were too large, want 2", n)
		}
		report := w.mustRun(job)
		if n := w.tooLarge(); n != 2 {
			t.Errorf("%d uploads were too large, want no more", n)
		}
		if report.Succeeded != 500 || report.Batches < 20 || report.Batches > 25 || report.Retried != 0 {
			t.Errorf("report %+v", report)
		}
		for id, r := range w.results() {
			if r.Attempts != 1 {
				t.Errorf("%s: %+v", id, r)
			}
		}
		w.wantBilledOnce(500)
	})
}

func TestABatchThatIsTooLargeToCreateIsHalved(t *testing.T) {
	large := simulator.Fault{Route: "POST /v1/batches", Action: simulator.Fail, Status: http.StatusRequestEntityTooLarge}
	bubble(t, simulator.Config{Faults: []simulator.Fault{large}}, openai.Config{}, nil, func(w *airtight) {
		t := w.t
		w.write("in.jsonl", tickets(99)...)
		if report := w.mustRun(w.job()); report.Succeeded != 99 || report.Batches != 2 {
			t.Errorf("report %+v", report)
		}
		w.wantBilledOnce(99)
	})
}

// One row that no batch can hold does not hold up the others.
func TestARowThatIsTooLargeFailsAlone(t *testing.T) {
	bubble(t, simulator.Config{Limits: simulator.Limits{UploadBytes: 4000}}, openai.Config{}, nil, func(w *airtight) {
		t := w.t
		lines := tickets(9)
		lines[4] = `{"id":"huge","text":"` + strings.Repeat("x", 5000) + `"}`
		w.write("in.jsonl", lines...)
		report := w.mustRun(w.job())
		if report.Succeeded != 8 || report.Failed != 1 {
			t.Errorf("report %+v", report)
		}
		r := w.results()["huge"]
		if r.Error == nil || r.Error.Class != retry.Permanent || r.Error.Code != "too_large" || !strings.Contains(r.Error.Message, "larger than the provider takes") {
			t.Errorf("result %+v", r)
		}
		w.wantBilledOnce(8)
	})
}
