package durable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/sinktest"
)

const (
	creation   = "POST /v1/batches"
	processing = 30 * time.Minute // what a batch takes; an hour of Badger's tickers takes a while
)

// untagged is a job at a provider that keeps no tag with a batch, each of which
// takes a while. Its five rows make one batch.
type untagged struct {
	*durabletest.World
	job     durable.Job[durabletest.Ticket]
	foreign sink.Handle // the last batch of somebody else, if there is one
}

// withoutTags runs a test of an untagged job in a bubble.
func withoutTags(t *testing.T, test func(u *untagged)) {
	t.Helper()
	cfg := simulator.Config{Latency: simulator.Latency{Processing: processing}}
	durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(5)...)
		u := &untagged{World: w}
		u.job = u.fresh()
		test(u)
	})
}

// fresh is the job with its input at the start.
func (u *untagged) fresh() durable.Job[durabletest.Ticket] {
	job := u.Job()
	job.Provider, job.Batch.MaxItems = sinktest.Untagged(u.Provider), 5
	return job
}

// stranger buys a batch in the same workspace.
func (u *untagged) stranger(n int) { u.foreign = u.buy("somebody-else", n) }

// buy buys a batch whose rows are named after the tag.
func (u *untagged) buy(tag string, n int) sink.Handle {
	u.T.Helper()
	spec := sink.Spec{Tag: tag, Endpoint: "/v1/chat/completions", Model: "gpt-test"}
	rows := func(yield func(sink.Row, error) bool) {
		for i := range n {
			id := fmt.Sprintf("%s_%043d", tag, i)
			if !yield(sink.Row{ID: id, Body: []byte(`{"model":"gpt-test","messages":[{"role":"user","content":"x"}]}`)}, nil) {
				return
			}
		}
	}
	file, err := u.Provider.Upload(u.T.Context(), spec, rows)
	if err != nil {
		u.T.Fatal(err)
	}
	batch, err := u.Provider.Create(u.T.Context(), spec, file, rows)
	if err != nil {
		u.T.Fatal(err)
	}
	return sink.Handle{Batch: batch, File: file}
}

// next makes the next creation fail that way.
func (u *untagged) next(action simulator.Action) {
	u.T.Helper()
	u.SetFaults(simulator.Fault{Route: creation, Action: action})
}

// succeed runs the job and fails unless each row is answered by a batch of
// ours, of which the job has counted one and the provider has these many.
func (u *untagged) succeed(batches int) durable.Report {
	u.T.Helper()
	report := u.MustRun(u.job)
	if report.Succeeded != 5 || report.Batches != 1 {
		u.T.Errorf("report %+v", report)
	}
	for id, r := range u.Results() {
		if r.Batch == u.foreign.Batch || r.Attempts != 1 {
			u.T.Errorf("%s: %+v", id, r)
		}
	}
	if u.foreign.Batch != "" {
		batches++
	}
	if n := len(u.Server.Batches()); n != batches {
		u.T.Errorf("%d batches at the provider, want %d", n, batches)
	}
	for _, b := range u.Server.Batches() {
		if b.Status == "cancelled" || b.Status == "cancelling" {
			u.T.Errorf("batch %s was cancelled", b.ID)
		}
	}
	return report
}

// holdAndStop runs the job until it waits for batches that may be its own.
func (u *untagged) holdAndStop() {
	u.T.Helper()
	u.stranger(5)
	u.next(simulator.ActionResetAfter)
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(u.T.Context())
	u.Log.OnMessage(func(message string) {
		if strings.Contains(message, waiting) {
			cancel(enough)
		}
	})
	if _, err := u.Run(ctx, u.job); !errors.Is(err, enough) {
		u.T.Fatalf("error %v", err)
	}
}
