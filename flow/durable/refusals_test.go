package durable_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

const (
	createBatch = "POST /v1/batches"
	uploadFile  = "POST /v1/files"
)

// countCalls counts the calls of a route.
func countCalls(w *durabletest.World, route string) (n int) {
	w.T.Helper()
	for r, err := range w.Server.Requests() {
		if err != nil {
			w.T.Fatal(err)
		}
		if r.Route == route {
			n++
		}
	}
	return n
}

// wantRequests fails unless a route was called from least to most times.
func wantRequests(w *durabletest.World, route string, least, most int) {
	w.T.Helper()
	if n := countCalls(w, route); n < least || n > most {
		w.T.Errorf("%s was called %d times, want %d to %d", route, n, least, most)
	}
}

// told collects what a job tells.
func told(job *durable.Job[durabletest.Ticket]) *[]durable.Notice {
	var all []durable.Notice
	job.Notify = func(n durable.Notice) { all = append(all, n) }
	return &all
}

// invalid lets batches fail validation.
func invalid(times int, errs ...simulator.BatchError) simulator.Fault {
	return simulator.Fault{Route: createBatch, Action: simulator.ActionInvalid, Times: times, Errors: errs}
}

var (
	oddError  = simulator.BatchError{Code: "odd_reason", Message: "the moon is full"}
	fileError = simulator.BatchError{Code: "invalid_request", Message: "Cannot find file file-x, or organization org-x does not have access to it.", Param: "file_id"}
	fullError = simulator.BatchError{Code: "token_limit_exceeded", Message: "Enqueued token limit reached"}
)

// A batch of which nothing ran is created again, from the same upload, and its
// rows have been sent once. Nothing that was refused counts as bought.
func TestABatchThatWasRefusedIsCreatedAgain(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{
		"for a reason that nobody knows": invalid(3, oddError),
		"for no reason":                  invalid(3),
		"as its file is not seen yet":    invalid(3, fileError),
		"as the provider is not well":    invalid(3, simulator.BatchError{Code: "server_error", Message: "m"}),
		"by HTTP 400 about the file": {
			Route: createBatch, Action: simulator.ActionReplace, Status: http.StatusBadRequest, Times: 3,
			Body: `{"error":{"message":"Cannot find file","type":"invalid_request_error","param":"file_id","code":null}}`,
		},
		"by HTTP 404 about the file": {
			Route: createBatch, Action: simulator.ActionReplace, Status: http.StatusNotFound, Times: 3,
			Body: `{"error":{"message":"Input file not found","type":"invalid_request_error","param":null,"code":null}}`,
		},
		"by a proxy": {
			Route: createBatch, Action: simulator.ActionReplace, Status: http.StatusMethodNotAllowed, Times: 3, Body: "<html>",
		},
	} {
		durabletest.Bubble(t, simulator.Config{Faults: []simulator.Fault{fault}}, openai.Config{}, nil, func(w *durabletest.World) {
			t := w.T
			w.Write("in.jsonl", durabletest.Tickets(100)...)
			job := w.Job()
			notices := told(&job)
			start := time.Now()
			report := w.MustRun(job)
			wantWithin(w, start, 3*time.Minute, 10*time.Minute)
			if report.Succeeded != 100 || report.Batches != 1 || report.Refused != 3 || report.Retried != 0 {
				t.Errorf("%s: report %+v", name, report)
			}
			wantRequests(w, uploadFile, 1, 1)
			wantRequests(w, createBatch, 4, 4)
			w.WantBilledOnce(100)
			if all := *notices; len(all) == 0 || all[0].Kind != durable.NoticeRefused || all[0].Next.IsZero() || all[0].Advice == "" {
				t.Errorf("%s: told %+v", name, all)
			}
			if s, err := w.Attach().Status(); err != nil || len(s.Notices) != 0 || s.Batches != 1 {
				t.Errorf("%s: at the end: %+v, %v", name, s, err)
			}
			for id, r := range w.Results() {
				if r.Attempts != 1 {
					t.Errorf("%s: %s: %+v", name, id, r)
				}
			}
		})
	}
}

// What nobody knows to pass is tried as often as rows are sent, and no more for
// a lane of many batches. Other lanes are not concerned.
func TestABatchThatIsRefusedForAnUnknownReasonFailsInTheEnd(t *testing.T) {
	t.Parallel()
	cfg := simulator.Config{Faults: []simulator.Fault{invalid(-1, oddError)}}
	durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(1000)...)
		job := unguarded(w.Job())
		notices := told(&job)
		report := w.MustRun(job)
		if report.Failed != 1000 || report.Batches != 0 || report.Elapsed > 6*time.Hour {
			t.Errorf("report %+v", report)
		}
		wantRequests(w, createBatch, 13, 40) // of ten batches
		wantRequests(w, uploadFile, 10, 10)
		for id, r := range w.Results() {
			if r.Error == nil || r.Error.Code != oddError.Code || r.Error.Message != oddError.Message || r.Error.Class != retry.Permanent {
				t.Fatalf("%s: %+v", id, r)
			}
		}
		if all := *notices; len(all) == 0 || !strings.Contains(all[0].Text, "odd_reason: the moon is full") {
			t.Errorf("told %+v", all)
		}
	})
}

// Hours of refusals that should pass make few calls, and end.
func TestRefusalsForHoursAreFewAndHaveAnEnd(t *testing.T) {
	t.Parallel()
	cfg := simulator.Config{Faults: []simulator.Fault{invalid(-1, fileError)}}
	durabletest.Bubble(t, cfg, openai.Config{Limits: sink.Limits{Window: 2 * time.Hour}}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(300)...)
		job := unguarded(w.Job())
		notices := told(&job)
		start := time.Now()
		report := w.MustRun(job)
		wantWithin(w, start, 2*time.Hour, 4*time.Hour)
		if report.Failed != 300 || report.Batches != 0 {
			t.Errorf("report %+v", report)
		}
		wantRequests(w, createBatch, 20, 30)
		wantRequests(w, uploadFile, 3, 15)
		if all := *notices; len(all) == 0 || !strings.Contains(all[0].Text, fileError.Message) || !strings.Contains(all[0].Advice, "after 2000-01-01 02:") {
			t.Errorf("told %+v", all)
		}
	})
}

// The waits go on where an earlier process has left them, and what it met is
// told again.
func TestRefusalsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{Faults: []simulator.Fault{invalid(6, fileError)}}, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(100)...)
		start := time.Now()
		for {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			job := w.Job()
			notices := told(&job)
			before := countCalls(w, createBatch)
			report, err := w.Run(ctx, job)
			cancel()
			if err == nil && report.Succeeded == 100 {
				break
			}
			if !errors.Is(err, context.DeadlineExceeded) || report.Failed > 0 {
				t.Fatalf("%+v, %v", report, err)
			}
			if len(*notices) == 0 && countCalls(w, createBatch) == before {
				t.Error("it waits in silence")
			}
		}
		wantRequests(w, createBatch, 7, 7)
		wantWithin(w, start, 15*time.Minute, 40*time.Minute)
		w.WantBilledOnce(100)
	})
}

// Batches wait for room, while those that run make it: nothing is uploaded
// twice, and little is created for nothing.
func TestBatchesWaitForRoom(t *testing.T) {
	t.Parallel()
	cfg := simulator.Config{
		Limits:  simulator.Limits{EnqueuedTokens: 8000}, // three of twenty
		Latency: simulator.Latency{Processing: 5 * time.Minute},
	}
	durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(2000)...)
		job := w.Job()
		notices := told(&job)
		report := w.MustRun(job)
		if report.Succeeded != 2000 || report.Batches != 20 || report.Retried != 0 {
			t.Errorf("report %+v", report)
		}
		wantRequests(w, uploadFile, 20, 20)
		wantRequests(w, createBatch, 20, 20+20+20) // of the first all, and one now and then
		w.WantBilledOnce(2000)
		if all := *notices; len(all) == 0 || !strings.Contains(all[0].Advice, "wait for room") {
			t.Errorf("told %+v", all)
		}
	})
}

// What made room while no process ran is noticed by the next one.
func TestRoomIsMadeWhileNobodyRuns(t *testing.T) {
	t.Parallel()
	cfg := simulator.Config{
		Limits:  simulator.Limits{EnqueuedTokens: 4000}, // one of two
		Latency: simulator.Latency{Processing: 5 * time.Minute},
	}
	durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(200)...)
		start := time.Now()
		for _, faults := range [][]simulator.Fault{nil, {
			{Route: createBatch, Action: simulator.ActionFail, Status: http.StatusTooManyRequests, Times: -1}, // it sees that the first has ended, and no more
		}} {
			if err := w.Server.SetFaults(faults...); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Since(start) * 5)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			_, err := w.Run(ctx, w.Job())
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
		}
		if err := w.Server.SetFaults(); err != nil {
			t.Fatal(err)
		}
		if report := w.MustRun(w.Job()); report.Succeeded != 200 {
			t.Errorf("report %+v", report)
		}
		wantWithin(w, start, 12*time.Minute, 13*time.Minute)
		w.WantBilledOnce(200)
	})
}

// A batch that is above the limit all by itself goes in parts that fit, and a
// row that is fails alone. That takes minutes.
func TestWhatNeverFitsIsCut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		limit           int64
		failed, creates int
	}{
		"a tenth of the batch":   {250, 0, 60},
		"half of the batch":      {1200, 0, 12},
		"a row, and one is long": {100, 1, 120},
		"nothing":                {1, 100, 3},
	} {
		durabletest.Bubble(t, simulator.Config{Limits: simulator.Limits{EnqueuedTokens: test.limit}}, openai.Config{}, nil, func(w *durabletest.World) {
			t := w.T
			lines := durabletest.Tickets(100)
			if test.failed == 1 {
				lines[50] = `{"id":"long","text":"` + strings.Repeat("word ", 200) + `"}`
			}
			w.Write("in.jsonl", lines...)
			job := unguarded(w.Job())
			notices := told(&job)
			start := time.Now()
			report := w.MustRun(job)
			wantWithin(w, start, 0, time.Hour)
			if report.Succeeded != 100-test.failed || report.Failed != test.failed || report.Retried != 0 {
				t.Errorf("%s: report %+v", name, report)
			}
			wantRequests(w, createBatch, 1, test.creates)
			w.WantBilledOnce(100 - test.failed)
			if all := *notices; len(all) == 0 || !strings.Contains(all[0].Text, "token_limit_exceeded") {
				t.Errorf("%s: told %+v", name, all)
			}
		})
	}
}

// If the provider does not say how much there is room for, a batch is halved
// that was refused twice though nothing else runs.
func TestABatchThatIsRefusedAloneIsHalved(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{Faults: []simulator.Fault{invalid(5, fullError)}}, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(100)...)
		report := w.MustRun(w.Job())
		if report.Succeeded != 100 || report.Batches < 3 || report.Batches > 4 || report.Refused != 5 || report.Elapsed > time.Hour {
			t.Errorf("report %+v", report)
		}
		w.WantBilledOnce(100)
	})
}

// Only the rows fail that validation names, however seldom rows may be sent:
// the others were not.
func TestRowsBesideOneAtFaultWereNotSent(t *testing.T) {
	t.Parallel()
	line := func(n int) simulator.Fault {
		f := invalid(1, simulator.BatchError{Code: "odd_line", Message: "m", Line: n})
		f.From = n
		return f
	}
	cfg := simulator.Config{Faults: []simulator.Fault{line(1), line(2), line(3)}}
	durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(10)...)
		job := w.Job()
		job.MaxAttempts = 1
		report := w.MustRun(job)
		if report.Succeeded != 7 || report.Failed != 3 || report.Batches != 1 || report.Refused != 3 || report.Retried != 0 {
			t.Errorf("report %+v", report)
		}
		for id, r := range w.Results() {
			if r.Attempts != 1 || r.Error != nil && r.Error.Code != "odd_line" {
				t.Errorf("%s: %+v", id, r)
			}
		}
		w.WantBilledOnce(7)
	})
}

// Batches that wait because of their lane leave their places to those of
// others.
func TestALaneThatIsRefusedHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	wrap := func(next http.RoundTripper) http.RoundTripper {
		return edit(func(_ string, b map[string]any) {
			if model, _ := b["model"].(string); model == "refused" {
				b["status"], b["output_file_id"], b["error_file_id"], b["request_counts"] = "failed", nil, nil, nil
				b["errors"] = map[string]any{"data": []any{map[string]any{"code": "server_error", "message": "m"}}}
			}
		})(next)
	}
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, wrap, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(40)...)
		typo := make(map[string]sink.Request)
		for _, id := range []string{"t-0", "t-1", "t-2", "t-3", "t-4"} {
			typo[id] = sink.Request{Endpoint: "/v1/chat/completions", Model: "refused"}
		}
		job := asking(w, typo)
		job.Batch.MaxItems, job.MaxInFlight = 1, 2
		answered := errors.New("the others are answered")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		job.Progress = func(p durable.Progress) {
			if p.Succeeded >= 35 {
				cancel(answered)
			}
		}
		start := time.Now()
		if report, err := w.Run(ctx, job); !errors.Is(err, answered) || report.Failed > 0 {
			t.Errorf("report %+v, %v", report, err)
		}
		wantWithin(w, start, 0, 30*time.Minute)
	})
}
