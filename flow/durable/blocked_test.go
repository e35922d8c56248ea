package durable_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// An account without money stops the run, wherever that turns up, and fails no
// row: once it is mended, the run goes on.
func TestSpendAndQuotaBlockTheRun(t *testing.T) {
	for _, code := range []string{"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"} {
		for _, place := range []string{"POST /v1/files", "POST /v1/batches", "GET /v1/batches/{id}", "validation", "row"} {
			var paid atomic.Bool
			cfg := simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
				if place == "row" && !paid.Load() && strings.Contains(string(r.Body), "number 3") {
					return simulator.Reply{Error: &simulator.RowError{Status: http.StatusTooManyRequests, Code: code, Message: "no"}}
				}
				return simulator.Echo(r)
			}}
			if strings.Contains(place, "/") {
				cfg.Faults = []simulator.Fault{{
					Route: place, Action: simulator.Fail, Status: http.StatusTooManyRequests, Code: code, Times: -1,
				}}
			}
			wrap := edit(func(_ string, batch map[string]any) {
				if place == "validation" && !paid.Load() {
					batch["status"], batch["output_file_id"] = "failed", nil
					batch["errors"] = map[string]any{"data": []any{map[string]any{"code": code, "message": "no"}}}
				}
			})
			bubble(t, cfg, openai.Config{}, wrap, func(w *airtight) {
				t := w.t
				w.write("in.jsonl", tickets(10)...)
				job := w.job()
				job.MaxAttempts = 1 // of which this takes none away
				report, err := w.run(t.Context(), job)
				if retry.ClassOf(err) != retry.Blocked || !strings.Contains(err.Error(), code) ||
					!strings.Contains(err.Error(), "billing of the account: then run the job again") {
					t.Errorf("%s at %s: %v", code, place, err)
				}
				if report.Failed != 0 || report.Finished {
					t.Errorf("%s at %s: report %+v", code, place, report)
				}
				paid.Store(true)
				if err := w.server.SetFaults(); err != nil {
					t.Fatal(err)
				}
				if report := w.mustRun(job); report.Succeeded != 10 {
					t.Errorf("%s at %s, paid: report %+v", code, place, report)
				}
			})
		}
	}
}

// What was bought before the account was blocked is not lost, and that is said.
func TestWhatRunsWhileTheAccountIsBlockedIsFetchedLater(t *testing.T) {
	cfg := simulator.Config{
		Latency: simulator.Latency{Processing: time.Hour},
		Faults: []simulator.Fault{{
			Route: "POST /v1/batches", Action: simulator.Fail, Status: http.StatusTooManyRequests, Code: "insufficient_quota", From: 2,
		}},
	}
	bubble(t, cfg, openai.Config{}, nil, func(w *airtight) {
		t := w.t
		w.write("in.jsonl", tickets(200)...)
		job := w.job()
		notices := told(&job)
		if report, err := w.run(t.Context(), job); retry.ClassOf(err) != retry.Blocked || report.Failed > 0 || report.Batches != 1 {
			t.Errorf("report %+v, %v", report, err)
		}
		if all := *notices; len(all) != 1 || !strings.Contains(all[0].Text, "1 batches of 100 rows that were bought go on") {
			t.Errorf("told %+v", all)
		}
		if s, err := w.attach().Status(); err != nil || len(s.Notices) != 1 {
			t.Errorf("status %+v, %v", s, err)
		}
		if report := w.mustRun(w.job()); report.Succeeded != 200 || report.Batches != 2 {
			t.Errorf("report %+v", report)
		}
		w.wantBilledOnce(200)
	})
}

// HTTP 429 says it at the creation, where OpenAI otherwise says it in the batch.
func TestATokenLimitAtTheCreationIsWaitedOut(t *testing.T) {
	full := simulator.Fault{
		Route: "POST /v1/batches", Action: simulator.Fail, Status: http.StatusTooManyRequests, Code: "token_limit_exceeded", Times: 12,
	}
	bubble(t, simulator.Config{Faults: []simulator.Fault{full}}, openai.Config{}, nil, func(w *airtight) {
		t := w.t
		w.write("in.jsonl", tickets(300)...)
		job := w.job()
		job.MaxAttempts = 1
		if report := w.mustRun(job); report.Succeeded != 300 || report.Batches != 3 || report.Retried != 0 {
			t.Errorf("report %+v", report)
		}
		w.wantBilledOnce(300)
	})
}

// However rarely the job looks, and however often it is refused, it tries again
// within minutes.
func TestARefusedCreationIsTriedAgainWithinMinutes(t *testing.T) {
	busy := simulator.Fault{Route: "POST /v1/batches", Action: simulator.Fail, Status: http.StatusTooManyRequests, Times: 10}
	bubble(t, simulator.Config{Faults: []simulator.Fault{busy}}, openai.Config{}, nil, func(w *airtight) {
		w.write("in.jsonl", tickets(3)...)
		job := w.job()
		job.Poll = time.Minute
		start := time.Now()
		w.mustRun(job)
		w.wantWithin(start, 10*time.Minute, time.Hour)
	})
}

// What a provider says at length is kept in few words: the batch ends, and its
// rows fail with it.
func TestALongRefusalIsKeptInFewWords(t *testing.T) {
	wrap := edit(func(_ string, batch map[string]any) {
		batch["status"], batch["output_file_id"], batch["request_counts"] = "failed", nil, nil
		batch["errors"] = map[string]any{"data": []any{map[string]any{
			"code": strings.Repeat("<bad>", 1000), "message": "no: " + strings.Repeat("<\x00é", 10_000),
		}}}
	})
	bubble(t, simulator.Config{}, openai.Config{}, wrap, func(w *airtight) {
		w.write("in.jsonl", tickets(10)...)
		if report := w.mustRun(w.job()); report.Failed != 10 {
			w.t.Errorf("report %+v", report)
		}
		for id, r := range w.results() {
			if !strings.HasPrefix(r.Error.Message, "no: ") || !utf8.ValidString(r.Error.Message) {
				w.t.Errorf("%s: %q", id, r.Error.Message)
			}
		}
	})
}
