package durable_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// noneRan are the counts of a batch that failed its validation.
var noneRan = map[string]any{"total": 0, "completed": 0, "failed": 0}

// An account without money stops the run, wherever that turns up, and fails no
// row: once it is mended, the run goes on.
func TestSpendAndQuotaBlockTheRun(t *testing.T) {
	t.Parallel()
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
					Route: place, Action: simulator.ActionFail, Status: http.StatusTooManyRequests, Code: code, Times: -1,
				}}
			}
			wrap := edit(func(_ string, batch map[string]any) {
				if place == "validation" && !paid.Load() {
					batch["status"], batch["output_file_id"] = "failed", nil
					batch["errors"] = map[string]any{"data": []any{map[string]any{"code": code, "message": "no"}}}
					batch["request_counts"] = noneRan
				}
			})
			durabletest.Bubble(t, cfg, openai.Config{}, wrap, func(w *durabletest.World) {
				t := w.T
				w.Write("in.jsonl", durabletest.Tickets(10)...)
				job := w.Job()
				job.MaxAttempts = 1 // of which this takes none away
				report, err := w.Run(t.Context(), job)
				if retry.ClassOf(err) != retry.Blocked || !strings.Contains(err.Error(), code) ||
					!strings.Contains(err.Error(), "billing of the account: then run the job again") {
					t.Errorf("%s at %s: %v", code, place, err)
				}
				if report.Failed != 0 || report.Finished {
					t.Errorf("%s at %s: report %+v", code, place, report)
				}
				paid.Store(true)
				if err := w.Server.SetFaults(); err != nil {
					t.Fatal(err)
				}
				if report := w.MustRun(job); report.Succeeded != 10 {
					t.Errorf("%s at %s, paid: report %+v", code, place, report)
				}
			})
		}
	}
}

// What was bought before the account was blocked is waited for and delivered,
// and nothing more is created or uploaded meanwhile.
func TestWhatRunsWhileTheAccountIsBlockedIsDelivered(t *testing.T) {
	t.Parallel()
	for route, words := range map[string]string{
		"POST /v1/files":   "the account is blocked", // while the first is being created
		"POST /v1/batches": "1 batch of 100 rows that were bought go on",
	} {
		cfg := simulator.Config{
			Latency: simulator.Latency{Processing: 5 * time.Minute},
			Faults: []simulator.Fault{{
				Route: route, Action: simulator.ActionFail, Status: http.StatusTooManyRequests, Code: "insufficient_quota", From: 2, Times: -1,
			}},
		}
		// The refusal of an upload comes once the batch before it was created.
		slowUploads := func(next http.RoundTripper) http.RoundTripper {
			return durabletest.RoundTripper(func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == "/v1/files" && r.Method == http.MethodPost {
					time.Sleep(time.Second)
				}
				return next.RoundTrip(r)
			})
		}
		durabletest.Bubble(t, cfg, openai.Config{}, slowUploads, func(w *durabletest.World) {
			t := w.T
			w.Write("in.jsonl", durabletest.Tickets(500)...)
			job := w.Job()
			job.Transfers, job.Creates = 1, durable.Rate{Requests: 1, Per: time.Minute}
			told := listen(&job)
			start := time.Now()
			report, err := w.Run(t.Context(), job)
			wantWithin(w, start, 5*time.Minute, 8*time.Minute)
			if retry.ClassOf(err) != retry.Blocked || !strings.Contains(err.Error(), "insufficient_quota") ||
				report.Succeeded != 100 || report.Failed > 0 || report.Batches != 1 {
				t.Errorf("%s: report %+v, %v", route, report, err)
			}
			wantTold(w, told, durable.NoticeRefused, 2*time.Minute, words, "insufficient_quota", "run the same again")
			if s, err := w.Attach().Status(); err != nil || s.State != durable.StateStopped || !s.NeedsAction || len(s.Notices) > 0 {
				t.Errorf("%s: status %+v, %v", route, s, err)
			}
			if n := countCalls(w, route); n != 2 {
				t.Errorf("%s: %d calls, want none after the refusal", route, n)
			}
			w.SetFaults()
			if report := w.MustRun(w.Job()); report.Succeeded != 500 || report.Batches != 5 {
				t.Errorf("%s: report %+v", route, report)
			}
			w.WantBilledOnce(500)
		})
	}
}

// Where nobody can look at what was bought the run ends at once: nothing of it
// is lost, and that is said.
func TestWhatNobodyCanLookAtIsFetchedLater(t *testing.T) {
	t.Parallel()
	cfg := simulator.Config{
		Latency: simulator.Latency{Processing: 5 * time.Minute},
		Faults:  []simulator.Fault{{Route: getBatch, Action: simulator.ActionFail, Status: http.StatusUnauthorized, From: 2}},
	}
	durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(100)...)
		job := w.Job()
		notices := told(&job)
		if report, err := w.Run(t.Context(), job); retry.ClassOf(err) != retry.Blocked || report.Failed > 0 || report.Batches != 1 {
			t.Errorf("report %+v, %v", report, err)
		}
		if all := *notices; len(all) != 1 || !strings.Contains(all[0].Text, "1 batch of 100 rows that were bought go on") {
			t.Errorf("told %+v", all)
		}
		if s, err := w.Attach().Status(); err != nil || len(s.Notices) != 1 {
			t.Errorf("status %+v, %v", s, err)
		}
		if report := w.MustRun(w.Job()); report.Succeeded != 100 || report.Batches != 1 {
			t.Errorf("report %+v", report)
		}
		w.WantBilledOnce(100)
	})
}

// HTTP 429 says it at the creation, where OpenAI otherwise says it in the
// batch.
func TestATokenLimitAtTheCreationIsWaitedOut(t *testing.T) {
	t.Parallel()
	full := simulator.Fault{
		Route: "POST /v1/batches", Action: simulator.ActionFail, Status: http.StatusTooManyRequests, Code: "token_limit_exceeded", Times: 12,
	}
	durabletest.Bubble(t, simulator.Config{Faults: []simulator.Fault{full}}, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(300)...)
		job := w.Job()
		job.MaxAttempts = 1
		if report := w.MustRun(job); report.Succeeded != 300 || report.Batches != 3 || report.Retried != 0 {
			t.Errorf("report %+v", report)
		}
		w.WantBilledOnce(300)
	})
}

// However rarely the job looks, and however often it is refused, it tries again
// within minutes.
func TestARefusedCreationIsTriedAgainWithinMinutes(t *testing.T) {
	t.Parallel()
	busy := simulator.Fault{Route: "POST /v1/batches", Action: simulator.ActionFail, Status: http.StatusTooManyRequests, Times: 10}
	durabletest.Bubble(t, simulator.Config{Faults: []simulator.Fault{busy}}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(3)...)
		job := w.Job()
		job.Poll = time.Minute
		start := time.Now()
		w.MustRun(job)
		wantWithin(w, start, 10*time.Minute, time.Hour)
	})
}

// What a provider says at length is kept in few words: the batch ends, and its
// rows fail with it.
func TestALongRefusalIsKeptInFewWords(t *testing.T) {
	t.Parallel()
	wrap := edit(func(_ string, batch map[string]any) {
		batch["status"], batch["output_file_id"], batch["request_counts"] = "failed", nil, nil
		batch["errors"] = map[string]any{"data": []any{map[string]any{
			"code": strings.Repeat("<bad>", 1000), "message": "no: " + strings.Repeat("<\x00é", 10_000),
		}}}
	})
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, wrap, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(10)...)
		if report := w.MustRun(w.Job()); report.Failed != 10 {
			w.T.Errorf("report %+v", report)
		}
		for id, r := range w.Results() {
			if !strings.HasPrefix(r.Error.Message, "no: ") || !utf8.ValidString(r.Error.Message) {
				w.T.Errorf("%s: %q", id, r.Error.Message)
			}
		}
	})
}

// So it is if the quota is found to be exhausted by the validation of a batch,
// or by a row: the other batches are waited for, and those rows go again.
func TestABatchThatIsBlockedStopsNoOther(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"validation", "row"} {
		var paid atomic.Bool
		var first atomic.Value
		cfg := simulator.Config{Latency: simulator.Latency{Processing: 5 * time.Minute}, Answer: func(r simulator.Row) simulator.Reply {
			if place == "row" && !paid.Load() && strings.Contains(string(r.Body), "number 3\"") {
				return simulator.Reply{Error: &simulator.RowError{Status: http.StatusTooManyRequests, Code: "insufficient_quota", Message: "no"}}
			}
			return simulator.Echo(r)
		}}
		wrap := edit(func(id string, batch map[string]any) {
			if first.CompareAndSwap(nil, id); place == "validation" && first.Load() == id && !paid.Load() {
				batch["status"], batch["output_file_id"] = "failed", nil
				batch["errors"] = map[string]any{"data": []any{map[string]any{"code": "insufficient_quota", "message": "no"}}}
				batch["request_counts"] = noneRan
			}
		})
		durabletest.Bubble(t, cfg, openai.Config{}, wrap, func(w *durabletest.World) {
			t := w.T
			w.Write("in.jsonl", durabletest.Tickets(200)...)
			job := w.Job()
			job.MaxAttempts = 1
			want := map[string]int{"validation": 100, "row": 199}[place]
			report, err := w.Run(t.Context(), job)
			if retry.ClassOf(err) != retry.Blocked || report.Succeeded != want || report.Failed > 0 {
				t.Errorf("%s: report %+v, %v", place, report, err)
			}
			paid.Store(true)
			if report := w.MustRun(job); report.Succeeded != 200 || report.Failed > 0 {
				t.Errorf("%s, paid: report %+v", place, report)
			}
		})
	}
}
