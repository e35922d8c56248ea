package durable_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(asProbe); path != "" {
		probeAndTell(path)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

var quiet = slog.New(slog.DiscardHandler)

// ticket is the item of the tests.
type ticket struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

func (t ticket) key() string { return t.ID }

func (t ticket) prompt() (llm.Chat, error) { return llm.Ask("Summarise: " + t.Text), nil }

// world is a provider, a directory and an input.
type world struct {
	t      *testing.T
	server *simulator.Server
	dir    string
}

func newWorld(t *testing.T, cfg simulator.Config) *world {
	t.Helper()
	server, err := simulator.Start("", cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{t: t, server: server, dir: t.TempDir()}
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) write(name string, lines ...string) {
	w.t.Helper()
	if err := os.WriteFile(w.path(name), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func tickets(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"id":"t-%d","text":"ticket number %d"}`, i, i)
	}
	return lines
}

func (w *world) client(key string) *openai.Client {
	w.t.Helper()
	c, err := openai.New(key, openai.Config{
		BaseURL: w.server.URL + "/v1",
		Retry:   retry.Policy{Delay: time.Millisecond, MaxDelay: 10 * time.Millisecond},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.CloseIdle)
	return c
}

func (w *world) job() durable.Job[ticket] {
	job := w.base()
	job.Provider = w.client("sk-test")
	return job
}

// base is a job without a provider.
func (w *world) base() durable.Job[ticket] {
	return durable.Job[ticket]{
		Name:   "tickets",
		Source: source.JSONL[ticket](w.path("in.jsonl")),
		Key:    ticket.key,
		Prompt: ticket.prompt,
		Model:  "gpt-test",
		Batch:  accumulator.Config{MaxItems: 100, MaxWait: time.Hour},
		Poll:   time.Millisecond,
		Grace:  50 * time.Millisecond,
		Log:    quiet,
	}
}

// run runs the job with the world's directory and output file.
func (w *world) run(ctx context.Context, job durable.Job[ticket]) (durable.Report, error) {
	w.t.Helper()
	return w.with(ctx, job, durable.Run[ticket])
}

// with does something with the job, the world's directory and output file.
func (w *world) with(
	ctx context.Context, job durable.Job[ticket], do func(context.Context, durable.Job[ticket]) (durable.Report, error),
) (durable.Report, error) {
	w.t.Helper()
	store, err := state.Open(w.path("state"), state.Config{Log: quiet})
	if err != nil {
		w.t.Fatal(err)
	}
	defer store.Close()
	out, err := durable.Lines(w.path("out.jsonl"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer out.Close()
	job.Store, job.Output = store, out
	return do(ctx, job)
}

func (w *world) mustRun(job durable.Job[ticket]) durable.Report {
	w.t.Helper()
	report, err := w.run(w.t.Context(), job)
	if err != nil {
		w.t.Fatal(err)
	}
	if !report.Finished {
		w.t.Fatalf("not finished: %+v", report)
	}
	return report
}

// results reads the output by id and fails on a line that is torn or repeated.
func (w *world) results() map[string]durable.Result {
	w.t.Helper()
	f, err := os.Open(w.path("out.jsonl"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	got := make(map[string]durable.Result)
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r durable.Result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			w.t.Fatalf("torn line: %v: %s", err, lines.Bytes())
		}
		if _, ok := got[r.ID]; ok {
			w.t.Fatalf("id %s twice", r.ID)
		}
		got[r.ID] = r
	}
	return got
}

// wantBilledOnce fails unless the provider has billed n rows, each once.
func (w *world) wantBilledOnce(n int) {
	w.t.Helper()
	bills, err := simulator.Tally(w.server.Executions(), simulator.AfterTag)
	if err != nil {
		w.t.Fatal(err)
	}
	for id, b := range bills {
		if b.Billed > 1 {
			w.t.Errorf("row %s was billed %d times", id, b.Billed)
		}
	}
	if len(bills) != n {
		w.t.Errorf("%d rows were executed, want %d", len(bills), n)
	}
}

func TestEveryRowGetsItsResult(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(1050)...)
	report := w.mustRun(w.job())
	if report.Rows != 1050 || report.Succeeded != 1050 || report.Failed != 0 || report.Batches != 11 {
		t.Errorf("report %+v", report)
	}
	got := w.results()
	if len(got) != 1050 {
		t.Fatalf("%d results", len(got))
	}
	r := got["t-17"]
	if r.Status != durable.Succeeded || !strings.Contains(r.Text, "ticket number 17") || r.Attempts != 1 ||
		r.Batch == "" || r.Model != "gpt-test" || r.Usage == nil || r.Usage.Input == 0 || r.Error != nil {
		t.Errorf("result %+v", r)
	}
	w.wantBilledOnce(1050)
}

func TestAFinishedJobIsNotDoneAgain(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(10)...)
	w.mustRun(w.job())
	before := w.results()
	report := w.mustRun(w.job())
	if report.Cached != 10 || report.Batches != 1 {
		t.Errorf("report %+v", report)
	}
	if len(w.results()) != len(before) {
		t.Error("the output has changed")
	}
	w.wantBilledOnce(10)
}

func TestRepeatedRowsAreDroppedAndConflictsRefused(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", `{"id":"a","text":"x"}`, `{"id":"b","text":"y"}`, `{"id":"a","text":"x"}`)
	if report := w.mustRun(w.job()); report.Rows != 2 || report.Duplicates != 1 {
		t.Errorf("report %+v", report)
	}

	w = newWorld(t, simulator.Config{})
	w.write("in.jsonl", append(tickets(600), `{"id":"t-3","text":"other"}`)...)
	_, err := w.run(t.Context(), w.job())
	var input *durable.InputError
	if !errors.As(err, &input) || input.Line != 601 || !strings.Contains(err.Error(), "line 4") {
		t.Errorf("error %v", err)
	}
}

func TestReadAllBuysNothingForABadInput(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", append(tickets(3000), `{"id":`)...)
	job := w.job()
	job.ReadAll = true
	_, err := w.run(t.Context(), job)
	if err == nil || !strings.Contains(err.Error(), "in.jsonl:3001") {
		t.Errorf("error %v", err)
	}
	if n := len(w.server.Batches()); n != 0 {
		t.Errorf("%d batches were created", n)
	}

	// Mended, it is read anew, under other settings if need be.
	w.write("in.jsonl", tickets(30)...)
	job = w.job()
	job.ReadAll = true
	job.Settings = map[string]string{"prompt": "mended"}
	if report := w.mustRun(job); report.Rows != 30 || len(w.results()) != 30 {
		t.Errorf("report %+v", report)
	}
}

func TestFailedRowsGoAgainAndPermanentOnesDoNot(t *testing.T) {
	w := newWorld(t, simulator.Config{Rows: simulator.RowFaults{ServerError: 0.2, BadRequest: 0.05}, Seed: 3})
	w.write("in.jsonl", tickets(1000)...)
	job := w.job()
	job.MaxAttempts = 12
	report := w.mustRun(job)
	if report.Retried == 0 || report.Failed == 0 || report.Succeeded+report.Failed != 1000 {
		t.Errorf("report %+v", report)
	}
	attempts := 0
	for _, r := range w.results() {
		attempts = max(attempts, r.Attempts)
		switch {
		case r.Status == durable.Succeeded && r.Error == nil:
		case r.Status == durable.Failed && r.Error.Class == retry.Permanent && r.Attempts >= 1:
		default:
			t.Fatalf("result %+v", r)
		}
	}
	if attempts < 2 {
		t.Error("nothing went again")
	}
}

func TestAttemptsAreBounded(t *testing.T) {
	w := newWorld(t, simulator.Config{Rows: simulator.RowFaults{ServerError: 1}})
	w.write("in.jsonl", tickets(5)...)
	job := w.job()
	job.MaxAttempts = 3
	report := w.mustRun(job)
	if report.Failed != 5 || report.Batches != 3 {
		t.Errorf("report %+v", report)
	}
	for id, r := range w.results() {
		if r.Attempts != 3 || r.Error == nil || r.Error.Class != retry.Retryable {
			t.Errorf("%s: %+v", id, r)
		}
	}
}

func TestAnUnansweredCreationIsFoundNotRepeated(t *testing.T) {
	w := newWorld(t, simulator.Config{Faults: []simulator.Fault{
		{Route: "POST /v1/batches", Action: simulator.ResetAfter, Times: 3},
	}})
	w.write("in.jsonl", tickets(500)...)
	report := w.mustRun(w.job())
	if report.Batches != 5 || len(w.server.Batches()) != 5 {
		t.Errorf("report %+v, %d batches", report, len(w.server.Batches()))
	}
	w.wantBilledOnce(500)
}

func TestALostCreationIsRepeatedAfterTheGrace(t *testing.T) {
	w := newWorld(t, simulator.Config{Faults: []simulator.Fault{
		{Route: "POST /v1/batches", Action: simulator.Reset, Times: 2},
	}})
	w.write("in.jsonl", tickets(200)...)
	if report := w.mustRun(w.job()); report.Batches != 2 || len(w.server.Batches()) != 2 {
		t.Errorf("report %+v, %d batches", report, len(w.server.Batches()))
	}
	w.wantBilledOnce(200)
}

func TestItGoesOnThroughFaults(t *testing.T) {
	w := newWorld(t, simulator.Config{Seed: 1, Faults: []simulator.Fault{
		{Route: "POST /v1/batches", Action: simulator.Fail, Status: 429, Times: 2},
		{Route: "POST /v1/files", Action: simulator.ResetAfter, Times: 2},
		{Route: "GET /v1/files/{id}/content", Action: simulator.Truncate, Times: 3},
		{Route: "GET /v1/batches/{id}", Action: simulator.Fail, Status: 502, Probability: 0.3},
	}})
	w.write("in.jsonl", tickets(500)...)
	if report := w.mustRun(w.job()); report.Succeeded != 500 {
		t.Errorf("report %+v", report)
	}
	if len(w.results()) != 500 {
		t.Error("results are missing")
	}
	w.wantBilledOnce(500)
}

func TestARefusedBatchWaitsForItsTurn(t *testing.T) {
	w := newWorld(t, simulator.Config{Limits: simulator.Limits{EnqueuedTokens: 4000}})
	w.write("in.jsonl", tickets(400)...)
	if report := w.mustRun(w.job()); report.Succeeded != 400 {
		t.Errorf("report %+v", report)
	}
	for id, r := range w.results() {
		if r.Attempts != 1 {
			t.Errorf("%s: a refused batch counts as an attempt: %+v", id, r)
		}
	}
	w.wantBilledOnce(400)
}

func TestRowsThatValidationNamesFailAndTheOthersGoAgain(t *testing.T) {
	w := newWorld(t, simulator.Config{Models: []string{"gpt-test"}})
	w.write("in.jsonl", tickets(20)...)
	job := w.job()
	job.Prompt = nil
	job.Request = func(tk ticket) (durable.Request, error) {
		body := `{"model":"gpt-test","messages":[{"role":"user","content":"x"}]}`
		if tk.ID == "t-7" {
			body = `{"model":"gpt-test"}`
		}
		return durable.Request{Endpoint: "/v1/chat/completions", Model: "gpt-test", Body: []byte(body)}, nil
	}
	report := w.mustRun(job)
	if report.Succeeded != 19 || report.Failed != 1 {
		t.Errorf("report %+v", report)
	}
	if r := w.results()["t-7"]; r.Error == nil || r.Error.Code != "invalid_request" {
		t.Errorf("result %+v", r)
	}
}

func TestAWrongKeyStopsBeforeAnything(t *testing.T) {
	w := newWorld(t, simulator.Config{Keys: []string{"sk-right"}})
	w.write("in.jsonl", tickets(20)...)
	_, err := w.run(t.Context(), w.job())
	if retry.ClassOf(err) != retry.Blocked {
		t.Errorf("error %v", err)
	}
	job := w.job()
	job.Provider = w.client("sk-right")
	w.mustRun(job)
}

// Uploaded under one key and not yet bought, a batch can be bought under another.
func TestAnotherKeyUploadsAnew(t *testing.T) {
	w := newWorld(t, simulator.Config{Faults: []simulator.Fault{
		{Route: "POST /v1/batches", Action: simulator.Fail, Status: 403, Times: 1},
	}})
	w.write("in.jsonl", tickets(20)...)
	if _, err := w.run(t.Context(), w.job()); retry.ClassOf(err) != retry.Blocked {
		t.Fatalf("error %v", err)
	}
	job := w.job()
	job.Provider = w.client("sk-other")
	if report := w.mustRun(job); report.Succeeded != 20 {
		t.Errorf("report %+v", report)
	}
}

func TestOtherSettingsAreRefused(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(20)...)
	w.mustRun(w.job())
	var mismatch *durable.MismatchError
	job := w.job()
	job.Settings = map[string]string{"prompt": "another"}
	if _, err := w.run(t.Context(), job); !errors.As(err, &mismatch) || !strings.Contains(err.Error(), "another prompt: use the same, or give this one another name") {
		t.Errorf("error %v", err)
	}
	w.write("in.jsonl", tickets(21)...)
	if _, err := w.run(t.Context(), w.job()); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("error %v", err)
	}
}

// A setting may be longer than a record of the index, which knows it all the same,
// also when it was made again.
func TestASettingMayBeLong(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(20)...)
	job := w.job()
	job.Settings = map[string]string{"prompt": strings.Repeat("An example. ", 10_000), "--id": "id"}
	w.mustRun(job)
	w.loseIndex()
	w.rebuild()
	if report := w.mustRun(job); report.Cached != 20 {
		t.Errorf("report %+v", report)
	}
	if m, err := w.archive("tickets").Export(t.Context(), w.path("export"), openai.AppendRow); err != nil || m.Settings["prompt"] != job.Settings["prompt"] {
		t.Errorf("a prompt of %d bytes is exported, %v", len(m.Settings["prompt"]), err)
	}
	job.Settings = map[string]string{"prompt": job.Settings["prompt"] + "!", "--id": "id"}
	var mismatch *durable.MismatchError
	if _, err := w.run(t.Context(), job); !errors.As(err, &mismatch) || !strings.Contains(err.Error(), "another prompt:") {
		t.Errorf("error %v", err)
	}
}

// Stopped at any of its results, the job goes on and delivers none twice.
func TestStoppedAnywhereItGoesOn(t *testing.T) {
	w := newWorld(t, simulator.Config{Rows: simulator.RowFaults{ServerError: 0.1}})
	w.write("in.jsonl", tickets(1000)...)
	enough := errors.New("enough")
	for stop := 0; ; stop += 100 {
		ctx, cancel := context.WithCancelCause(t.Context())
		job := w.job()
		job.MaxAttempts = 20
		job.Progress = func(p durable.Progress) {
			if p.Settled() > stop {
				cancel(enough)
			}
		}
		report, err := w.run(ctx, job)
		cancel(nil)
		if report.Finished {
			break
		}
		if !errors.Is(err, enough) {
			t.Fatalf("error %v, report %+v", err, report)
		}
	}
	if got := w.results(); len(got) != 1000 {
		t.Errorf("%d results", len(got))
	}
	w.wantBilledOnce(1000)
}

// tornOutput dies after its first write, before the job can record it.
type tornOutput struct{ *durable.File }

var errDied = errors.New("died")

func (o tornOutput) Write(ctx context.Context, results []durable.Result) error {
	if err := o.File.Write(ctx, results); err != nil {
		return err
	}
	return errDied
}

func TestWhatWasWrittenButNotRecordedIsUndone(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(300)...)
	store, err := state.Open(w.path("state"), state.Config{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	out, err := durable.Lines(w.path("out.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	job := w.job()
	job.Store, job.Output = store, tornOutput{out}
	if _, err := durable.Run(t.Context(), job); !errors.Is(err, errDied) {
		t.Fatalf("error %v", err)
	}
	if err := errors.Join(out.Close(), store.Close()); err != nil {
		t.Fatal(err)
	}
	if len(w.results()) == 0 {
		t.Fatal("nothing was written before it died")
	}
	w.mustRun(w.job())
	if n := len(w.results()); n != 300 {
		t.Errorf("%d results", n)
	}
	w.wantBilledOnce(300)
}

// With all of the input known, the most urgent rows are bought first, whatever
// their place in it.
func TestTheUrgentAreBoughtFirst(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(3000)...)
	job := w.job()
	job.ReadAll, job.MaxInFlight = true, 1
	job.Priority = func(tk ticket) queue.Priority {
		if strings.HasSuffix(tk.ID, "7") { // every tenth
			return queue.Critical
		}
		return queue.Low
	}
	var order []string
	job.Output = durable.Each(func(_ context.Context, r durable.Result) error {
		order = append(order, r.ID)
		return nil
	})
	store, err := state.Open(w.path("state"), state.Config{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	job.Store = store
	if _, err := durable.Run(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	for i, id := range order {
		if urgent := strings.HasSuffix(id, "7"); urgent != (i < 300) {
			t.Fatalf("result %d of %d is %s", i, len(order), id)
		}
	}
}

// A batch holds one endpoint and one model, however they are mixed in the input.
func TestModelsAreBatchedApart(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(300)...)
	job := w.job()
	job.Prompt = nil
	job.Request = func(tk ticket) (durable.Request, error) {
		model := "gpt-" + tk.ID[len(tk.ID)-1:]
		return durable.Request{
			Endpoint: "/v1/chat/completions", Model: model,
			Body: fmt.Appendf(nil, `{"model":%q,"messages":[{"role":"user","content":"x"}]}`, model),
		}, nil
	}
	if report := w.mustRun(job); report.Batches != 10 || report.Succeeded != 300 {
		t.Errorf("report %+v", report)
	}
	for id, r := range w.results() {
		if r.Model != "gpt-"+id[len(id)-1:] {
			t.Errorf("%s was answered by %s", id, r.Model)
		}
	}
}

// A creation whose reply was lost and that is applied late, but within the
// grace, is found.
func TestALateCreationIsFound(t *testing.T) {
	w := newWorld(t, simulator.Config{Faults: []simulator.Fault{
		{Route: "POST /v1/batches", Action: simulator.Late, Delay: 100 * time.Millisecond, Times: 2},
	}})
	w.write("in.jsonl", tickets(300)...)
	job := w.job()
	job.Grace = 2 * time.Second
	if report := w.mustRun(job); report.Batches != 3 || len(w.server.Batches()) != 3 {
		t.Errorf("report %+v, %d batches", report, len(w.server.Batches()))
	}
	w.wantBilledOnce(300)
}

func TestMissingFieldsAreNamed(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	for field, remove := range map[string]func(*durable.Job[ticket]){
		"Name":              func(j *durable.Job[ticket]) { j.Name = "" },
		"Source":            func(j *durable.Job[ticket]) { j.Source = nil },
		"Key":               func(j *durable.Job[ticket]) { j.Key = nil },
		"Prompt or Request": func(j *durable.Job[ticket]) { j.Prompt = nil },
		"Provider":          func(j *durable.Job[ticket]) { j.Provider = nil },
		"MaxAttempts":       func(j *durable.Job[ticket]) { j.MaxAttempts = -1 },
		"Poll":              func(j *durable.Job[ticket]) { j.Poll = -1 },
	} {
		job := w.job()
		remove(&job)
		if _, err := w.run(t.Context(), job); err == nil || !strings.Contains(err.Error(), "Job."+field) {
			t.Errorf("without %s: error %v", field, err)
		}
	}
}
