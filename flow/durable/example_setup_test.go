package durable_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// slowProvider is one whose batches take an hour by its own clock.
var slowProvider = simulator.Config{Latency: simulator.Latency{Processing: time.Hour}}

// Ticket is the item of the examples.
type Ticket struct{ ID, Text string }

// Key identifies the ticket.
func (t Ticket) Key() string { return t.ID }

// Prompt is what to ask about it.
func (t Ticket) Prompt() (llm.Chat, error) { return llm.Ask(t.Text), nil }

// setUp returns what the examples have in common: a provider and a job of three
// tickets. ExampleRun writes all of it out.
func setUp(cfg simulator.Config) (job durable.Job[Ticket], provider *simulator.Server, tearDown func()) {
	dir := must(os.MkdirTemp("", "example"))
	provider, client := simulated(cfg)
	stateDir := must(durable.Open(filepath.Join(dir, "state")))
	job = durable.Job[Ticket]{
		Name: "tickets",
		Source: source.Seq("tickets", slices.Values([]Ticket{
			{"T-1", "Where is my parcel?"}, {"T-2", "I was charged twice."}, {"T-3", "The app crashes."},
		})),
		Key:      Ticket.Key,
		Prompt:   Ticket.Prompt,
		Provider: client,
		Model:    "gpt-5.4-mini",
		Poll:     10 * time.Millisecond,
		Grace:    50 * time.Millisecond, // the counts of the simulator are never late
		Dir:      stateDir,
		Output:   durable.Each(func(context.Context, durable.Result) error { return nil }),
		ReadAll:  true, // all tickets are known before the first is bought
		Log:      durabletest.Quiet,
	}
	return job, provider, func() {
		client.CloseIdle()
		_ = provider.Close()
		_ = os.RemoveAll(dir)
	}
}

// newClient returns a client of a provider that is simulated.
func newClient(cfg simulator.Config) (client *openai.Client, tearDown func()) {
	provider, client := simulated(cfg)
	return client, func() {
		client.CloseIdle()
		_ = provider.Close()
	}
}

func simulated(cfg simulator.Config) (*simulator.Server, *openai.Client) {
	provider := must(simulator.Start("", cfg))
	return provider, must(openai.New("sk-simulated", openai.Config{BaseURL: provider.URL + "/v1"}))
}

// interruptOnceBought runs the job until a batch is bought, and ends like a
// program that was stopped then.
func interruptOnceBought(job durable.Job[Ticket]) {
	ctx, interrupt := context.WithCancel(context.Background())
	job.Progress = func(p durable.Progress) {
		if p.Batches > 0 {
			interrupt()
		}
	}
	if _, err := durable.Run(ctx, job); !errors.Is(err, context.Canceled) {
		panic(err)
	}
}

func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}
