package durable_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/internal/memtemp"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

func TestMain(m *testing.M) {
	if text := os.Getenv(scriptProcess); text != "" {
		os.Exit(runScript(text))
	}
	memtemp.Use()
	debug.SetGCPercent(400) // each world opens a database anew: a fifth of the time went into collecting them
	goleak.VerifyTestMain(m)
}

func TestEveryRowGetsItsResult(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(1050)...)
	report := w.MustRun(w.Job())
	if report.Rows != 1050 || report.Succeeded != 1050 || report.Failed != 0 || report.Batches != 11 {
		t.Errorf("report %+v", report)
	}
	got := w.Results()
	if len(got) != 1050 {
		t.Fatalf("%d results", len(got))
	}
	r := got["t-17"]
	if r.Status != durable.ItemSucceeded || !strings.Contains(r.Text, "ticket number 17") || r.Attempts != 1 ||
		r.Batch == "" || r.Model != "gpt-test" || r.Usage == nil || r.Usage.Input == 0 || r.Error != nil {
		t.Errorf("result %+v", r)
	}
	w.WantBilledOnce(1050)
}

func TestAFinishedJobIsNotDoneAgain(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(10)...)
	w.MustRun(w.Job())
	before := w.Results()
	report := w.MustRun(w.Job())
	if report.Cached != 10 || report.Batches != 1 {
		t.Errorf("report %+v", report)
	}
	if len(w.Results()) != len(before) {
		t.Error("the output has changed")
	}
	w.WantBilledOnce(10)
}

func TestRepeatedRowsAreDroppedAndConflictsRefused(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", `{"id":"a","text":"x"}`, `{"id":"b","text":"y"}`, `{"id":"a","text":"x"}`)
	if report := w.MustRun(w.Job()); report.Rows != 2 || report.Duplicates != 1 {
		t.Errorf("report %+v", report)
	}

	w = durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", append(durabletest.Tickets(600), `{"id":"t-3","text":"other"}`)...)
	_, err := w.Run(t.Context(), w.Job())
	var input *durable.InputError
	if !errors.As(err, &input) || input.Line != 601 || !strings.Contains(err.Error(), "line 4") {
		t.Errorf("error %v", err)
	}
}

func TestReadAllBuysNothingForABadInput(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", append(durabletest.Tickets(3000), `{"id":`)...)
	job := w.Job()
	job.ReadAll = true
	_, err := w.Run(t.Context(), job)
	if err == nil || !strings.Contains(err.Error(), "in.jsonl:3001") {
		t.Errorf("error %v", err)
	}
	if n := len(w.Server.Batches()); n != 0 {
		t.Errorf("%d batches were created", n)
	}

	// Mended, it is read anew, under other settings if need be.
	w.Write("in.jsonl", durabletest.Tickets(30)...)
	job = w.Job()
	job.ReadAll = true
	job.Settings = map[string]string{"prompt": "mended"}
	if report := w.MustRun(job); report.Rows != 30 || len(w.Results()) != 30 {
		t.Errorf("report %+v", report)
	}
}

func TestFailedRowsGoAgainAndPermanentOnesDoNot(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Rows: simulator.RowFaults{ServerError: 0.2, BadRequest: 0.05}, Seed: 3})
	w.Write("in.jsonl", durabletest.Tickets(1000)...)
	job := w.Job()
	job.MaxAttempts = 12
	report := w.MustRun(job)
	if report.Retried == 0 || report.Failed == 0 || report.Succeeded+report.Failed != 1000 {
		t.Errorf("report %+v", report)
	}
	attempts := 0
	for _, r := range w.Results() {
		attempts = max(attempts, r.Attempts)
		switch {
		case r.Status == durable.ItemSucceeded && r.Error == nil:
		case r.Status == durable.ItemFailed && r.Error.Class == retry.Permanent && r.Attempts >= 1:
		default:
			t.Fatalf("result %+v", r)
		}
	}
	if attempts < 2 {
		t.Error("nothing went again")
	}
}

func TestAttemptsAreBounded(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Rows: simulator.RowFaults{ServerError: 1}})
	w.Write("in.jsonl", durabletest.Tickets(5)...)
	job := w.Job()
	job.MaxAttempts = 3
	report := w.MustRun(job)
	if report.Failed != 5 || report.Batches != 3 {
		t.Errorf("report %+v", report)
	}
	for id, r := range w.Results() {
		if r.Attempts != 3 || r.Error == nil || r.Error.Class != retry.Retryable {
			t.Errorf("%s: %+v", id, r)
		}
	}
}

func TestAnUnansweredCreationIsFoundNotRepeated(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Faults: []simulator.Fault{
		{Route: "POST /v1/batches", Action: simulator.ActionResetAfter, Times: 3},
	}})
	w.Write("in.jsonl", durabletest.Tickets(500)...)
	report := w.MustRun(w.Job())
	if report.Batches != 5 || len(w.Server.Batches()) != 5 {
		t.Errorf("report %+v, %d batches", report, len(w.Server.Batches()))
	}
	w.WantBilledOnce(500)
}

func TestALostCreationIsRepeatedAfterTheGrace(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Faults: []simulator.Fault{
		{Route: "POST /v1/batches", Action: simulator.ActionReset, Times: 2},
	}})
	w.Write("in.jsonl", durabletest.Tickets(200)...)
	if report := w.MustRun(w.Job()); report.Batches != 2 || len(w.Server.Batches()) != 2 {
		t.Errorf("report %+v, %d batches", report, len(w.Server.Batches()))
	}
	w.WantBilledOnce(200)
}

func TestItGoesOnThroughFaults(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Seed: 1, Faults: []simulator.Fault{
		{Route: "POST /v1/batches", Action: simulator.ActionFail, Status: 429, Times: 2},
		{Route: "POST /v1/files", Action: simulator.ActionResetAfter, Times: 2},
		{Route: "GET /v1/files/{id}/content", Action: simulator.ActionTruncate, Times: 3},
		{Route: "GET /v1/batches/{id}", Action: simulator.ActionFail, Status: 502, Probability: 0.3},
	}})
	w.Write("in.jsonl", durabletest.Tickets(500)...)
	if report := w.MustRun(w.Job()); report.Succeeded != 500 {
		t.Errorf("report %+v", report)
	}
	if len(w.Results()) != 500 {
		t.Error("results are missing")
	}
	w.WantBilledOnce(500)
}

func TestARefusedBatchWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Limits: simulator.Limits{EnqueuedTokens: 4000}})
	w.Write("in.jsonl", durabletest.Tickets(400)...)
	if report := w.MustRun(w.Job()); report.Succeeded != 400 {
		t.Errorf("report %+v", report)
	}
	for id, r := range w.Results() {
		if r.Attempts != 1 {
			t.Errorf("%s: a refused batch counts as an attempt: %+v", id, r)
		}
	}
	w.WantBilledOnce(400)
}

func TestRowsThatValidationNamesFailAndTheOthersGoAgain(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Models: []string{"gpt-test"}})
	w.Write("in.jsonl", durabletest.Tickets(20)...)
	job := w.Job()
	job.Prompt = nil
	job.Request = func(tk durabletest.Ticket) (sink.Request, error) {
		body := `{"model":"gpt-test","messages":[{"role":"user","content":"x"}]}`
		if tk.ID == "t-7" {
			body = `{"model":"gpt-test"}`
		}
		return sink.Request{Endpoint: "/v1/chat/completions", Model: "gpt-test", Body: []byte(body)}, nil
	}
	report := w.MustRun(job)
	if report.Succeeded != 19 || report.Failed != 1 {
		t.Errorf("report %+v", report)
	}
	if r := w.Results()["t-7"]; r.Error == nil || r.Error.Code != "invalid_request" {
		t.Errorf("result %+v", r)
	}
}

func TestAWrongKeyStopsBeforeAnything(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Keys: []string{"sk-right"}})
	w.Write("in.jsonl", durabletest.Tickets(20)...)
	_, err := w.Run(t.Context(), w.Job())
	if retry.ClassOf(err) != retry.Blocked {
		t.Errorf("error %v", err)
	}
	job := w.Job()
	job.Provider = w.Client("sk-right")
	w.MustRun(job)
}

// Uploaded under one key and not yet bought, a batch can be bought under
// another.
func TestAnotherKeyUploadsAnew(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Faults: []simulator.Fault{
		{Route: "POST /v1/batches", Action: simulator.ActionFail, Status: 403, Times: 1},
	}})
	w.Write("in.jsonl", durabletest.Tickets(20)...)
	if _, err := w.Run(t.Context(), w.Job()); retry.ClassOf(err) != retry.Blocked {
		t.Fatalf("error %v", err)
	}
	job := w.Job()
	job.Provider = w.Client("sk-other")
	if report := w.MustRun(job); report.Succeeded != 20 {
		t.Errorf("report %+v", report)
	}
}

func TestOtherSettingsAreRefused(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(20)...)
	w.MustRun(w.Job())
	var mismatch *durable.MismatchError
	job := w.Job()
	job.Settings = map[string]string{"prompt": "another"}
	if _, err := w.Run(t.Context(), job); !errors.As(err, &mismatch) || !strings.Contains(err.Error(), "another prompt: use the same, or give this one another name") {
		t.Errorf("error %v", err)
	}
	w.Write("in.jsonl", durabletest.Tickets(21)...)
	if _, err := w.Run(t.Context(), w.Job()); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("error %v", err)
	}
}

// A setting may be longer than a record of the index, which knows it all the
// same, also when it was made again.
func TestASettingMayBeLong(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(20)...)
	job := w.Job()
	job.Settings = map[string]string{"prompt": strings.Repeat("An example. ", 10_000), "--id": "id"}
	w.MustRun(job)
	w.LoseIndex()
	w.Rebuild()
	if report := w.MustRun(job); report.Cached != 20 {
		t.Errorf("report %+v", report)
	}
	if m, err := w.Archive("tickets").Export(t.Context(), w.Path("export"), archive.Format{Codec: w.Provider.Info().Codec, Row: openai.AppendRow}); err != nil || m.Settings["prompt"] != job.Settings["prompt"] {
		t.Errorf("a prompt of %d bytes is exported, %v", len(m.Settings["prompt"]), err)
	}
	job.Settings = map[string]string{"prompt": job.Settings["prompt"] + "!", "--id": "id"}
	var mismatch *durable.MismatchError
	if _, err := w.Run(t.Context(), job); !errors.As(err, &mismatch) || !strings.Contains(err.Error(), "another prompt:") {
		t.Errorf("error %v", err)
	}
}

// Stopped at any of its results, the job goes on and delivers none twice.
func TestStoppedAnywhereItGoesOn(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Rows: simulator.RowFaults{ServerError: 0.1}})
	w.Write("in.jsonl", durabletest.Tickets(1000)...)
	stops := 0
	for {
		job := w.Job()
		job.MaxAttempts = 20
		report, err := w.StopAfter(100*stops, job)
		if report.Finished {
			break
		}
		if !errors.Is(err, durabletest.ErrEnough) {
			t.Fatalf("error %v, report %+v", err, report)
		}
		stops++
	}
	if stops < 3 {
		t.Errorf("stopped %d times", stops)
	}
	if got := w.Results(); len(got) != 1000 {
		t.Errorf("%d results", len(got))
	}
	w.WantBilledOnce(1000)
}

func TestWhatWasWrittenButNotRecordedIsUndone(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(300)...)
	w.DieTorn(0, w.Job())
	if len(w.Results()) == 0 {
		t.Fatal("nothing was written before it died")
	}
	w.MustRun(w.Job())
	if n := len(w.Results()); n != 300 {
		t.Errorf("%d results", n)
	}
	w.WantBilledOnce(300)
}

// With all of the input known, the most urgent rows are bought first, whatever
// their place in it.
func TestTheUrgentAreBoughtFirst(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(3000)...)
	job := w.Job()
	job.ReadAll, job.MaxInFlight = true, 1
	job.Priority = func(tk durabletest.Ticket) queue.Priority {
		if strings.HasSuffix(tk.ID, "7") { // every tenth
			return queue.PriorityCritical
		}
		return queue.PriorityLow
	}
	var order []string
	job.Output = durable.Each(func(_ context.Context, r durable.Result) error {
		order = append(order, r.ID)
		return nil
	})
	job.Dir = w.StateDir()
	if _, err := durable.Run(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	for i, id := range order {
		if urgent := strings.HasSuffix(id, "7"); urgent != (i < 300) {
			t.Fatalf("result %d of %d is %s", i, len(order), id)
		}
	}
}

// A batch holds one endpoint and one model, however they are mixed in the
// input.
func TestModelsAreBatchedApart(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(300)...)
	job := w.Job()
	job.Prompt = nil
	job.Request = func(tk durabletest.Ticket) (sink.Request, error) {
		model := "gpt-" + tk.ID[len(tk.ID)-1:]
		return sink.Request{
			Endpoint: "/v1/chat/completions", Model: model,
			Body: fmt.Appendf(nil, `{"model":%q,"messages":[{"role":"user","content":"x"}]}`, model),
		}, nil
	}
	if report := w.MustRun(job); report.Batches != 10 || report.Succeeded != 300 {
		t.Errorf("report %+v", report)
	}
	for id, r := range w.Results() {
		if r.Model != "gpt-"+id[len(id)-1:] {
			t.Errorf("%s was answered by %s", id, r.Model)
		}
	}
}

// A creation whose reply was lost and that is applied late, but within the
// grace, is found.
func TestALateCreationIsFound(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Faults: []simulator.Fault{
		{Route: "POST /v1/batches", Action: simulator.ActionLate, Delay: 100 * time.Millisecond, Times: 2},
	}})
	w.Write("in.jsonl", durabletest.Tickets(300)...)
	job := w.Job()
	job.Grace = 2 * time.Second
	if report := w.MustRun(job); report.Batches != 3 || len(w.Server.Batches()) != 3 {
		t.Errorf("report %+v, %d batches", report, len(w.Server.Batches()))
	}
	w.WantBilledOnce(300)
}

func TestMissingFieldsAreNamed(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	for field, remove := range map[string]func(*durable.Job[durabletest.Ticket]){
		"Name":              func(j *durable.Job[durabletest.Ticket]) { j.Name = "" },
		"Source":            func(j *durable.Job[durabletest.Ticket]) { j.Source = nil },
		"Key":               func(j *durable.Job[durabletest.Ticket]) { j.Key = nil },
		"Prompt or Request": func(j *durable.Job[durabletest.Ticket]) { j.Prompt = nil },
		"Provider":          func(j *durable.Job[durabletest.Ticket]) { j.Provider = nil },
		"MaxAttempts":       func(j *durable.Job[durabletest.Ticket]) { j.MaxAttempts = -1 },
		"Poll":              func(j *durable.Job[durabletest.Ticket]) { j.Poll = -1 },
	} {
		job := w.Job()
		remove(&job)
		if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), "Job."+field) {
			t.Errorf("without %s: error %v", field, err)
		}
	}
}
