package durable_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// refusing is a fault of a creation.
func refusing(status, times int, code string) simulator.Fault {
	return simulator.Fault{Route: "POST /v1/batches", Action: simulator.ActionFail, Status: status, Code: code, Times: times}
}

// Each code has another class than by default, whatever it is about.
func TestClassesOfCodesCanBeOverridden(t *testing.T) {
	t.Parallel()
	const failsAll, succeedsAll, blocks = "fails", "succeeds", "blocks"
	for name, test := range map[string]struct {
		faults  []simulator.Fault
		row     int // the status of ticket number 3 at its first attempt
		code    string
		class   retry.Class
		outcome string
	}{
		"a permanent row is retried":         {row: 400, code: "model_overloaded", class: retry.Retryable, outcome: succeedsAll},
		"a retryable row fails at once":      {row: 503, code: "model_overloaded", class: retry.Permanent, outcome: failsAll},
		"a row blocks":                       {row: 400, code: "model_closed", class: retry.Blocked, outcome: blocks},
		"a blocked row is retried":           {row: 429, code: "insufficient_quota", class: retry.Retryable, outcome: succeedsAll},
		"a creation is put off":              {faults: []simulator.Fault{refusing(400, 3, "model_overloaded")}, code: "model_overloaded", class: retry.Retryable, outcome: succeedsAll},
		"a blocked creation is put off":      {faults: []simulator.Fault{refusing(403, 3, "not_now")}, code: "not_now", class: retry.Retryable, outcome: succeedsAll},
		"a creation fails at once":           {faults: []simulator.Fault{refusing(429, -1, "slow_down")}, code: "slow_down", class: retry.Permanent, outcome: failsAll},
		"a full account fails at once":       {faults: []simulator.Fault{refusing(400, -1, "token_limit_exceeded")}, code: "token_limit_exceeded", class: retry.Permanent, outcome: failsAll},
		"a creation blocks":                  {faults: []simulator.Fault{refusing(400, -1, "model_closed")}, code: "model_closed", class: retry.Blocked, outcome: blocks},
		"an upload blocks":                   {faults: []simulator.Fault{{Route: "POST /v1/files", Action: simulator.ActionFail, Status: 400, Code: "no_files", Times: -1}}, code: "no_files", class: retry.Blocked, outcome: blocks},
		"an invalid batch is put off":        {faults: []simulator.Fault{invalid(3, simulator.BatchError{Code: "model_not_found", Message: "no"})}, code: "model_not_found", class: retry.Retryable, outcome: succeedsAll},
		"a batch to put off fails at once":   {faults: []simulator.Fault{invalid(-1, simulator.BatchError{Code: "odd", Message: "no"})}, code: "odd", class: retry.Permanent, outcome: failsAll},
		"an invalid batch blocks":            {faults: []simulator.Fault{invalid(-1, simulator.BatchError{Code: "model_not_found", Message: "no"})}, code: "model_not_found", class: retry.Blocked, outcome: blocks},
		"a full account at validation fails": {faults: []simulator.Fault{invalid(-1, simulator.BatchError{Code: "token_limit_exceeded", Message: "no"})}, code: "token_limit_exceeded", class: retry.Permanent, outcome: failsAll},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			cfg := simulator.Config{Faults: test.faults, Answer: func(r simulator.Row) simulator.Reply {
				if test.row != 0 && strings.Contains(string(r.Body), "number 3") && asked.Add(1) == 1 {
					return simulator.Reply{Error: &simulator.RowError{Status: test.row, Code: test.code, Message: "no"}}
				}
				return simulator.Echo(r)
			}}
			durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
				t := w.T
				w.Write("in.jsonl", durabletest.Tickets(5)...)
				job := w.BriskJob()
				job.Classes = map[string]retry.Class{test.code: test.class, "another": retry.Blocked}
				failed, executed := 0, 5
				switch {
				case test.outcome == failsAll && test.row != 0:
					failed = 1
				case test.outcome == failsAll:
					failed, executed = 5, 0
				}
				if test.outcome == blocks {
					report, err := w.Run(t.Context(), job)
					if retry.ClassOf(err) != retry.Blocked || !strings.Contains(err.Error(), test.code) || report.Failed != 0 || report.Finished {
						t.Errorf("report %+v, %v", report, err)
					}
					w.SetFaults()
					job.Classes = nil // which may change
				}
				report := w.MustRun(job)
				if report.Failed != failed || report.Succeeded != 5-failed {
					t.Errorf("report %+v", report)
				}
				for id, r := range w.Results() {
					if r.Status == durable.ItemFailed && (r.Error.Class != test.class || r.Error.Code != test.code || r.Attempts > 1) {
						t.Errorf("%s: %+v", id, r)
					}
				}
				w.WantBilledOnce(executed)
			})
		})
	}
}

// A creation that may have happened is looked for, whatever class its code has:
// the batch is bought once, though the reply has a code.
func TestAnAmbiguousCreationStaysAmbiguous(t *testing.T) {
	t.Parallel()
	for _, class := range []retry.Class{retry.Retryable, retry.Permanent, retry.Blocked} {
		cfg := simulator.Config{Faults: []simulator.Fault{{
			Route: "POST /v1/batches", Action: simulator.ActionFailAfter, Status: http.StatusServiceUnavailable, Code: "model_overloaded",
		}}}
		durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
			w.Write("in.jsonl", durabletest.Tickets(5)...)
			job := w.BriskJob()
			job.Classes = map[string]retry.Class{"model_overloaded": class}
			if report := w.MustRun(job); report.Succeeded != 5 || report.Batches != 1 || len(w.Server.Batches()) != 1 {
				w.T.Errorf("%s: report %+v, %d batches at the provider", class, report, len(w.Server.Batches()))
			}
			w.WantBilledOnce(5)
		})
	}
}

func TestClassesThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	for code, class := range map[string]retry.Class{"a": 0, "b": retry.Ambiguous, "c": 17, "": retry.Blocked} {
		durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
			w.Write("in.jsonl", durabletest.Tickets(1)...)
			job := w.Job()
			job.Classes = map[string]retry.Class{"fine": retry.Permanent, code: class}
			if _, err := w.Run(w.T.Context(), job); err == nil || !strings.Contains(err.Error(), "Job.Classes") || !strings.Contains(err.Error(), code) {
				w.T.Errorf("%q: %s: %v", code, class, err)
			}
		})
	}
}
