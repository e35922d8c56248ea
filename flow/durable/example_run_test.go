package durable_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// A whole program: it asks a model about three tickets and prints the answers.
func ExampleRun() {
	type Ticket struct{ ID, Text string }
	tickets := []Ticket{
		{"T-1", "Where is my parcel?"},
		{"T-2", "I was charged twice."},
		{"T-3", "[[400]]"}, // the simulator fails such a row
	}

	provider, err := simulator.Start("", simulator.Config{}) // plays OpenAI
	if err != nil {
		panic(err)
	}
	defer provider.Close()
	client, err := openai.New("sk-simulated", openai.Config{BaseURL: provider.URL + "/v1"})
	if err != nil {
		panic(err)
	}
	defer client.CloseIdle()
	tmp, err := os.MkdirTemp("", "tickets") // a program has a directory that stays
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(tmp)
	dir, err := durable.Open(filepath.Join(tmp, "state"))
	if err != nil {
		panic(err)
	}

	report, err := durable.Run(context.Background(), durable.Job[Ticket]{
		Name:     "tickets",
		Source:   source.Seq("tickets", slices.Values(tickets)), // or source.JSONL of a file
		Key:      func(t Ticket) string { return t.ID },
		Prompt:   func(t Ticket) (llm.Chat, error) { return llm.Ask(t.Text).As("Name the category."), nil },
		Provider: client,
		Model:    "gpt-5.4-mini",
		Poll:     10 * time.Millisecond, // a real provider takes minutes or hours
		Dir:      dir,
		Output: durable.Each(func(_ context.Context, r durable.Result) error {
			fmt.Printf("%s %s %q\n", r.ID, r.Status, r.Text)
			return nil
		}),
		Log: slog.New(slog.DiscardHandler),
	})
	fmt.Println(report.State, report.Succeeded, report.Failed, err)
	// Unordered output:
	// T-1 succeeded "shipping: Where is my parcel?"
	// T-2 succeeded "billing: I was charged twice."
	// T-3 failed ""
	// completed 2 1 <nil>
}
