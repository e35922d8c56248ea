package archive_test

import (
	"context"
	"errors"
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

// setUp returns what the examples have in common: a job of three questions,
// which a simulated provider answers, but the last. See durable.ExampleRun.
func setUp(cfg simulator.Config) (job durable.Job[string], tearDown func()) {
	dir, err1 := os.MkdirTemp("", "example")
	provider, err2 := simulator.Start("", cfg)
	if err := errors.Join(err1, err2); err != nil {
		panic(err)
	}
	log := slog.New(slog.DiscardHandler)
	client, err1 := openai.New("sk-simulated", openai.Config{BaseURL: provider.URL + "/v1"})
	stateDir, err2 := durable.Open(filepath.Join(dir, "state"))
	if err := errors.Join(err1, err2); err != nil {
		panic(err)
	}
	job = durable.Job[string]{
		Name:     "questions",
		Source:   source.Seq("questions", slices.Values([]string{"Where is my parcel?", "I was charged twice.", "[[400]]"})),
		Key:      func(question string) string { return question },
		Prompt:   func(question string) (llm.Chat, error) { return llm.Ask(question), nil },
		Provider: client,
		Model:    "gpt-5.4-mini",
		Poll:     10 * time.Millisecond,
		Dir:      stateDir,
		Output:   durable.Each(func(context.Context, durable.Result) error { return nil }),
		ReadAll:  true, // all questions are known before the first is bought
		Log:      log,
	}
	return job, func() {
		client.CloseIdle()
		_ = provider.Close()
		_ = os.RemoveAll(dir)
	}
}

// run runs the job to its end.
func run(job durable.Job[string]) {
	if _, err := durable.Run(context.Background(), job); err != nil {
		panic(err)
	}
}
