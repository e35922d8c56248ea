package durable_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// A run is cancelled by its name. The handle could be another process's: Attach
// needs no more than the path of the state directory.
func ExampleAttach() {
	dir := must(os.MkdirTemp("", "example"))
	defer os.RemoveAll(dir)
	provider := must(simulator.Start("", simulator.Config{Latency: simulator.Latency{Processing: time.Hour}}))
	defer provider.Close()
	store := must(state.Open(filepath.Join(dir, "state"), state.Config{Log: quiet}))
	defer store.Close()

	ctx := context.Background()
	run := must(durable.Start(ctx, exampleJob(dir, provider, store)))
	other := must(durable.Attach(store.Path(), run.Name()))
	err := other.Cancel(ctx) // from here on nothing is bought
	fmt.Println(err)

	report, err := run.Wait(ctx)
	var cancelled *durable.CancelledError
	fmt.Println(report.State, errors.As(err, &cancelled))
	// Output:
	// <nil>
	// cancelled true
}

func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

func exampleJob(dir string, provider *simulator.Server, store *state.Dir) durable.Job[ticket] {
	input := filepath.Join(dir, "tickets.jsonl")
	client, err := openai.New("sk-test", openai.Config{BaseURL: provider.URL + "/v1"})
	if err := errors.Join(err, os.WriteFile(input, []byte(strings.Join(tickets(3), "\n")), 0o600)); err != nil {
		panic(err)
	}
	return durable.Job[ticket]{
		Name:     "tickets",
		Source:   source.JSONL[ticket](input),
		Key:      ticket.key,
		Prompt:   ticket.prompt,
		Provider: client,
		Model:    "gpt-test",
		Poll:     10 * time.Millisecond,
		Store:    store,
		Output:   durable.Each(func(context.Context, durable.Result) error { return nil }),
		Log:      quiet,
	}
}
