package parquet_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/parquet"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// world is a simulated provider, and a state directory.
type world struct {
	*testing.T
	server *simulator.Server
	client *openai.Client
	state  string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	server, err := simulator.Start("", simulator.Config{})
	if err != nil {
		t.Fatal(err)
	}
	client, err := openai.New("sk-simulated", openai.Config{BaseURL: server.URL + "/v1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.CloseIdle()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{t, server, client, filepath.Join(t.TempDir(), "state")}
}

// job is a job of tickets, as a new process would make it.
func (w *world) job(items durable.Source[ticket]) durable.Job[ticket] {
	w.Helper()
	dir, err := durable.Open(w.state)
	if err != nil {
		w.Fatal(err)
	}
	return durable.Job[ticket]{
		Name:     "tickets",
		Source:   items,
		Key:      func(t ticket) string { return t.ID },
		Prompt:   func(t ticket) (llm.Chat, error) { return llm.Ask(t.Text), nil },
		Provider: w.client,
		Model:    "gpt-5.4-mini",
		Batch:    durable.BatchLimits{MaxItems: 10},
		Poll:     time.Millisecond,
		Guard:    retry.GuardConfig{PauseAbove: 1},
		Dir:      dir,
		Log:      slog.New(slog.DiscardHandler),
	}
}

// archive opens what is kept of the run.
func (w *world) archive() *archive.Archive {
	w.Helper()
	dir, err := durable.Open(w.state)
	if err != nil {
		w.Fatal(err)
	}
	a, err := archive.Open(dir, "tickets")
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = a.Close() })
	return a
}

var errKilled = errors.New("killed")

// killed runs a job until its source has yielded so many rows or the results of
// so many are there, and returns the rows that it has read.
func (w *world) killed(path string, rows, results int) (read []int) {
	w.Helper()
	ctx, kill := context.WithCancelCause(w.Context())
	defer kill(nil)
	items := &observed{File: parquet.Source[ticket](path), at: func(row int) {
		if read = append(read, row); row == rows {
			kill(errKilled)
		}
	}}
	job, settled := w.job(items), 0
	job.Output = durable.Each(func(context.Context, durable.Result) error {
		if settled++; settled == results {
			kill(errKilled)
		}
		return nil
	})
	if _, err := durable.Run(ctx, job); (rows > 0 || results > 0) != errors.Is(err, errKilled) {
		w.Fatal(err)
	}
	return read
}

// observed tells the number of each row that is read.
type observed struct {
	*parquet.File[ticket]
	at func(row int)
}

// Items implements durable.Source.
func (o *observed) Items() iter.Seq2[ticket, error] {
	return func(yield func(ticket, error) bool) {
		for item, err := range o.File.Items() {
			_, row := o.Position()
			if o.at(row); !yield(item, err) {
				return
			}
		}
	}
}
