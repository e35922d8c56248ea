package durabletest

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// Ticket is the item of the tests.
type Ticket struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// key is the key of jobs.
func (t Ticket) key() string { return t.ID }

// prompt is the prompt of jobs.
func (t Ticket) prompt() (llm.Chat, error) { return llm.Ask("Summarise: " + t.Text), nil }

// Tickets returns the lines of the first n tickets.
func Tickets(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"id":"t-%d","text":"ticket number %d"}`, i, i)
	}
	return lines
}

// Others returns the tickets from one number to another, under other ids.
func Others(from, to int) (lines []string) {
	for i := from; i < to; i++ {
		lines = append(lines, fmt.Sprintf(`{"id":"u-%d","text":"ticket number %d"}`, i, i))
	}
	return lines
}

// Job returns a job without a directory and an output. Where time is fake, it
// is as patient as jobs are unless told otherwise.
func (w *World) Job() durable.Job[Ticket] {
	job := durable.Job[Ticket]{
		Name:     "tickets",
		Source:   source.JSONL[Ticket](w.Path("in.jsonl")),
		Key:      Ticket.key,
		Prompt:   Ticket.prompt,
		Provider: w.Provider,
		Model:    "gpt-test",
		Batch:    durable.BatchLimits{MaxItems: 100},
		Log:      slog.New(w.Log),
	}
	if w.hasty {
		job.Batch.MaxWait, job.Poll, job.Grace = time.Hour, time.Millisecond, 50*time.Millisecond
	}
	return job
}

// BriskJob returns a job that polls every six seconds and has a grace of a
// minute.
func (w *World) BriskJob() durable.Job[Ticket] {
	job := w.Job()
	job.Batch.MaxWait, job.Poll, job.Grace = time.Hour, 6*time.Second, time.Minute
	return job
}

// Formatted returns a job whose bodies are made by a format of the model and
// the text.
func (w *World) Formatted(model, format string) durable.Job[Ticket] {
	job := w.Job()
	job.Prompt = nil
	job.Request = func(tk Ticket) (sink.Request, error) {
		return sink.Request{Endpoint: "/v1/chat/completions", Model: model, Body: fmt.Appendf(nil, format, model, tk.Text)}, nil
	}
	return job
}
