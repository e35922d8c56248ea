package durable_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/sinktest"
)

const creation = "POST /v1/batches"

// untagged is a job at a provider that keeps no tag with a batch, each of which
// takes an hour. Its five rows make one batch.
type untagged struct {
	*world
	job     durable.Job[ticket]
	diary   *diary
	foreign sink.Handle // the last batch of somebody else, if there is one
}

// withoutTags runs a test of an untagged job in a bubble.
func withoutTags(t *testing.T, test func(u *untagged)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server, err := simulator.StartPipe(simulator.Config{Latency: simulator.Latency{Processing: time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := server.Close(); err != nil {
				t.Error(err)
			}
		}()
		w := &world{t: t, server: server, dir: t.TempDir()}
		w.write("in.jsonl", tickets(5)...)
		u := &untagged{world: w, diary: &diary{start: time.Now()}}
		u.job = u.fresh()
		test(u)
	})
}

// fresh is the job with its input at the start.
func (u *untagged) fresh() durable.Job[ticket] {
	client := u.pipe()
	return durable.Job[ticket]{
		Name: "tickets", Source: source.JSONL[ticket](u.path("in.jsonl")), Key: ticket.key, Prompt: ticket.prompt,
		Provider: sinktest.Untagged(client), Codec: client, Model: "gpt-test",
		Batch: accumulator.Config{MaxItems: 5}, Log: slog.New(u.diary),
	}
}

func (u *untagged) pipe() *openai.Client {
	u.t.Helper()
	c, err := openai.New("sk-test", openai.Config{BaseURL: "http://127.0.0.1/v1", Transport: u.server.Client().Transport})
	if err != nil {
		u.t.Fatal(err)
	}
	return c
}

// stranger buys a batch in the same workspace.
func (u *untagged) stranger(n int) { u.foreign = u.buy("somebody-else", n) }

// buy buys a batch whose rows are named after the tag.
func (u *untagged) buy(tag string, n int) sink.Handle {
	u.t.Helper()
	spec := sink.Spec{Tag: tag, Endpoint: "/v1/chat/completions", Model: "gpt-test"}
	rows := func(yield func(sink.Row, error) bool) {
		for i := range n {
			id := fmt.Sprintf("%s_%043d", tag, i)
			if !yield(sink.Row{ID: id, Body: []byte(`{"model":"gpt-test","messages":[{"role":"user","content":"x"}]}`)}, nil) {
				return
			}
		}
	}
	client := u.pipe()
	file, err := client.Upload(u.t.Context(), spec, rows)
	if err != nil {
		u.t.Fatal(err)
	}
	batch, err := client.Create(u.t.Context(), spec, file, rows)
	if err != nil {
		u.t.Fatal(err)
	}
	return sink.Handle{Batch: batch, File: file}
}

// next makes the next creation fail that way.
func (u *untagged) next(action simulator.Action) {
	u.t.Helper()
	u.fault(simulator.Fault{Route: creation, Action: action})
}

func (u *untagged) fault(faults ...simulator.Fault) {
	u.t.Helper()
	if err := u.server.SetFaults(faults...); err != nil {
		u.t.Fatal(err)
	}
}

// succeed runs the job and fails unless each row is answered by a batch of ours,
// of which the job has counted one and the provider has these many.
func (u *untagged) succeed(batches int) durable.Report {
	u.t.Helper()
	report := u.mustRun(u.job)
	if report.Succeeded != 5 || report.Batches != 1 {
		u.t.Errorf("report %+v", report)
	}
	for id, r := range u.results() {
		if r.Batch == u.foreign.Batch || r.Attempts != 1 {
			u.t.Errorf("%s: %+v", id, r)
		}
	}
	if u.foreign.Batch != "" {
		batches++
	}
	if n := len(u.server.Batches()); n != batches {
		u.t.Errorf("%d batches at the provider, want %d", n, batches)
	}
	for _, b := range u.server.Batches() {
		if b.Status == "cancelled" || b.Status == "cancelling" {
			u.t.Errorf("batch %s was cancelled", b.ID)
		}
	}
	return report
}

// holdAndStop runs the job until it waits for batches that may be its own.
func (u *untagged) holdAndStop() {
	u.t.Helper()
	u.stranger(5)
	u.next(simulator.ResetAfter)
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(u.t.Context())
	u.diary.told = func(message string) {
		if strings.Contains(message, waiting) {
			cancel(enough)
		}
	}
	if _, err := u.run(ctx, u.job); !errors.Is(err, enough) {
		u.t.Fatalf("error %v", err)
	}
}
