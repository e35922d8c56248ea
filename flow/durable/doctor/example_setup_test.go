package doctor_test

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
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

var quiet = slog.New(slog.DiscardHandler)

// completedRun returns a state directory in which a run is completed. See
// durable.ExampleRun.
func completedRun() (dir *durable.Dir, tearDown func()) {
	tmp, err1 := os.MkdirTemp("", "example")
	provider, err2 := simulator.Start("", simulator.Config{})
	if err := errors.Join(err1, err2); err != nil {
		panic(err)
	}
	defer provider.Close()
	client, err1 := openai.New("sk-simulated", openai.Config{BaseURL: provider.URL + "/v1"})
	dir, err2 = durable.Open(filepath.Join(tmp, "state"))
	if err := errors.Join(err1, err2); err != nil {
		panic(err)
	}
	defer client.CloseIdle()
	_, err := durable.Run(context.Background(), durable.Job[string]{
		Name:     "questions",
		Source:   source.Seq("questions", slices.Values([]string{"Where is my parcel?", "I was charged twice."})),
		Key:      func(question string) string { return question },
		Prompt:   func(question string) (llm.Chat, error) { return llm.Ask(question), nil },
		Provider: client,
		Model:    "gpt-5.4-mini",
		Poll:     10 * time.Millisecond,
		Dir:      dir,
		Output:   durable.Each(func(context.Context, durable.Result) error { return nil }),
		Log:      quiet,
	})
	if err != nil {
		panic(err)
	}
	return dir.With(state.Config{Log: quiet}), func() { _ = os.RemoveAll(tmp) }
}
