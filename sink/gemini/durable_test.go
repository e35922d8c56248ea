package gemini_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/gemini"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

// run is a durable job at a simulator, in fake time.
type run struct {
	*testing.T
	server *simulator.Server
	client *gemini.Client
	report durable.Report
}

// runJob runs a job of these texts to its end.
func runJob(t *testing.T, cfg simulator.Config, adjust gemini.Config, texts []string, beside func(*run), check func(*run)) {
	t.Helper()
	tryJob(t, cfg, adjust, texts, beside, func(r *run, err error) {
		if err != nil || !r.report.Finished {
			r.Fatalf("%+v, %v", r.report, err)
		}
		check(r)
	})
}

// tryJob runs a job of these texts, ten rows to a batch.
func tryJob(t *testing.T, cfg simulator.Config, adjust gemini.Config, texts []string, beside func(*run), check func(*run, error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := start(t, cfg)
		r := &run{T: t, server: server, client: clientOf(t, server, secret, adjust)}
		if beside != nil {
			go beside(r)
		}
		dir := t.TempDir()
		in := filepath.Join(dir, "in.jsonl")
		must(t, os.WriteFile(in, []byte(strings.Join(texts, "\n")+"\n"), 0o600))
		states, err := durable.Open(filepath.Join(dir, "state"))
		must(t, err)
		out, err := durable.Lines(filepath.Join(dir, "out.jsonl"))
		must(t, err)
		defer out.Close()
		r.report, err = durable.Run(t.Context(), durable.Job[source.Row]{
			Name: "rows", Source: source.Rows(in), Key: func(r source.Row) string { return fmt.Sprint("r-", r.Line) },
			Prompt:   func(r source.Row) (llm.Chat, error) { return llm.Ask(string(r.JSON)), nil },
			Provider: r.client, Model: "gemini-m", Batch: durable.BatchLimits{MaxItems: 10, MaxWait: 5 * time.Second},
			Dir: states.With(state.Config{Log: slog.New(slog.DiscardHandler)}), Output: out, Log: slog.New(slog.DiscardHandler),
			Poll: 5 * time.Second, Grace: time.Minute,
		})
		check(r, err)
	})
}

// wantBilled fails unless so many rows were billed, each once.
func (r *run) wantBilled(n int) {
	r.Helper()
	bills, err := simulator.Tally(r.server.Executions(), simulator.AfterTag)
	must(r.T, err)
	billed := 0
	for id, b := range bills {
		if billed += b.Billed; b.Billed > 1 {
			r.Errorf("row %s was billed %d times", id, b.Billed)
		}
	}
	if billed != n {
		r.Errorf("%d rows were billed, want %d", billed, n)
	}
}

func (r *run) want(succeeded, failed int64, batches int) {
	r.Helper()
	if got := r.report; int64(got.Succeeded) != succeeded || int64(got.Failed) != failed || len(r.server.Batches()) != batches {
		r.Errorf("%d succeeded, %d failed, %d batches: %+v", got.Succeeded, got.Failed, len(r.server.Batches()), got)
	}
}

func texts(n int, more ...string) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf(`{"text":"row %d"}`, i))
	}
	for _, text := range more {
		lines = append(lines, `{"text":"`+text+`"}`)
	}
	return lines
}

var slow = simulator.Latency{Validation: time.Second, Processing: time.Minute, Cancelling: time.Second}

// inline is a client that needs no files.
var inline = gemini.Config{InlineBytes: gemini.MaxInlineBytes}

func TestAJobWhoseCreationWasNotAnswered(t *testing.T) {
	for name, cfg := range map[string]gemini.Config{"files": {}, "inline": inline} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lost := simulator.Fault{Route: createRoute, Action: simulator.ActionResetAfter, Times: 2}
			runJob(t, simulator.Config{Latency: slow, Faults: []simulator.Fault{lost}}, cfg, texts(20), nil, func(r *run) {
				r.want(20, 0, 2)
				r.wantBilled(20)
			})
		})
	}
}

// Rows of a batch that expired go again: nothing of it can be had any more.
func TestAJobWithABatchThatExpires(t *testing.T) {
	t.Parallel()
	expired := simulator.Fault{Route: batchRoute, Action: simulator.ActionMerge, Times: -1, Merge: json.RawMessage(
		`{"done":true,"metadata":{"state":"BATCH_STATE_EXPIRED","output":null,"batchStats":{"successfulRequestCount":"5"}},"response":null,"error":{"code":4}}`)}
	again := func(r *run) {
		for len(r.server.Batches()) < 2 {
			time.Sleep(time.Second)
		}
		must(r.T, r.server.SetFaults())
	}
	runJob(t, simulator.Config{Latency: slow, Faults: []simulator.Fault{expired}}, inline, texts(10), again, func(r *run) { r.want(10, 0, 2) })
}

// What ran of a batch that somebody cancelled counts, and the rest goes again.
func TestAJobWithABatchThatIsCancelled(t *testing.T) {
	t.Parallel()
	cancel := func(r *run) {
		time.Sleep(30 * time.Second)
		for l, err := range r.client.List(r.Context(), time.Time{}) {
			must(r.T, err)
			must(r.T, r.client.Cancel(r.Context(), sink.Handle{Batch: l.Batch}))
		}
	}
	runJob(t, simulator.Config{Latency: slow}, gemini.Config{}, texts(10), cancel, func(r *run) {
		r.want(10, 0, 2)
		r.wantBilled(10)
	})
}

// A batch may have succeeded long before its results can be read. Rows that
// are refused fail alone.
func TestAJobWhoseResultsAreLate(t *testing.T) {
	t.Parallel()
	latency := slow
	latency.Finalizing = time.Minute
	runJob(t, simulator.Config{Latency: latency}, gemini.Config{}, texts(8, "[[400]]", "[[refuse]]"), nil, func(r *run) {
		r.want(8, 2, 1)
		r.wantBilled(9) // a refusal is an answer
		if f := r.report.Failures; f["INVALID_ARGUMENT"] != 1 || f["refusal"] != 1 {
			r.Error(f)
		}
	})
}

// Only so many batches may be open, and so many tokens enqueued.
func TestAJobAboveTheLimitsOfTheAccount(t *testing.T) {
	t.Parallel()
	limits := simulator.Limits{OpenBatches: 2, EnqueuedTokens: 400}
	runJob(t, simulator.Config{Latency: slow, Limits: limits}, gemini.Config{}, texts(40), nil, func(r *run) {
		if r.report.Succeeded != 40 {
			r.Errorf("%+v", r.report)
		}
		r.wantBilled(40)
	})
}

// A row that no batch may have is refused by its line, before anything is
// bought.
func TestAJobWithARowThatIsTooLarge(t *testing.T) {
	t.Parallel()
	cfg := gemini.Config{Limits: sink.Limits{Bytes: 2000}}
	tooLarge := func(r *run, err error) {
		input, _ := errors.AsType[*durable.InputError](err)
		if input == nil || input.Line != 4 || len(r.server.Batches()) != 0 {
			r.Errorf("%d batches, %v", len(r.server.Batches()), err)
		}
	}
	tryJob(t, simulator.Config{}, cfg, texts(3, strings.Repeat("x", 3000)), nil, tooLarge)
}
