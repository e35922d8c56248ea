package snippets_test

import (
	"context"
	"iter"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/telemetry"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// Ticket is the item of most snippets.
type Ticket struct{ text string }

// Key identifies it.
func (t Ticket) Key() string { return t.text }

// Prompt is what to ask about it.
func (t Ticket) Prompt() (llm.Chat, error) { return llm.Ask(t.text), nil }

// Request is the same in the provider's words.
func (t Ticket) Request() (sink.Request, error) { return sink.Request{}, nil }

// Priority is how urgent it is.
func (t Ticket) Priority() queue.Priority { return queue.PriorityNormal }

// Deadline is when it is due.
func (t Ticket) Deadline() time.Time { return time.Time{} }

// Customer is whose it is.
func (t Ticket) Customer() string { return t.text }

// Tokens is what it costs.
func (t Ticket) Tokens() int64 { return int64(len(t.text)) }

// Kind is the work that it asks for.
func (t Ticket) Kind() string { return t.text }

func _(ctx context.Context, client sink.Provider, save func(context.Context, durable.Result) error) (durable.Report, error) {
	dir, err := durable.Open("tickets.state")
	if err != nil {
		return durable.Report{}, err
	}
	report, err := durable.Run(ctx, durable.Job[Ticket]{
		Name:     "tickets-2026-11",
		Source:   source.JSONL[Ticket]("tickets.jsonl"),
		Key:      Ticket.Key,
		Prompt:   Ticket.Prompt,
		Provider: client,
		Model:    "gpt-5.4-mini",
		Dir:      dir,
		Output:   durable.Each(save),
	})
	return report, err
}

func _(dir *durable.Dir, use func(any, error)) error {
	a, err := archive.Open(dir, "tickets-2026-11")
	if err != nil {
		return err
	}
	defer a.Close()
	for r, err := range a.Results(archive.Query{Status: durable.ItemFailed}) {
		use(r, err)
	}
	return nil
}

// Of README.md.
func _(ctx context.Context, client sink.Provider, save func(context.Context, durable.Result) error) (durable.Report, error) {
	dir, err := durable.Open("tickets.state")
	if err != nil {
		return durable.Report{}, err
	}
	report, err := durable.Run(ctx, durable.Job[Ticket]{
		Name:     "tickets-2026-11",
		Source:   source.JSONL[Ticket]("tickets.jsonl"),
		Key:      Ticket.Key,
		Prompt:   Ticket.Prompt, // func(Ticket) (llm.Chat, error)
		Priority: Ticket.Priority,
		Provider: client, // from openai.New
		Model:    "gpt-5.4-mini",
		Batch:    durable.BatchLimits{MaxItems: 10_000, MaxWait: time.Minute},
		Dir:      dir,
		Output:   durable.Each(save),
	})
	return report, err
}

// Of README.md, too.
func _(ctx context.Context, read iter.Seq2[Event, error], insert func(context.Context, accumulator.Batch[Event]) error) error {
	p := flow.New(ctx, flow.WithDrain(time.Minute))
	events := flow.FromSeq2(p, read)
	valid := flow.Via(p, events, flow.Filter(Event.Valid))
	urgent := flow.Via(p, valid, queue.By(Event.Deadline, queue.Config{Capacity: 10_000}))
	batches := flow.Via(p, urgent, accumulator.By(Event.Table, accumulator.Config{MaxItems: 500, MaxWait: time.Second}))
	paced := flow.Via(p, batches, ratelimit.New[accumulator.Batch[Event]](ratelimit.Per(60, time.Minute)))
	flow.To(p, paced, insert)
	err := p.Wait()
	return err
}

func _(ctx context.Context, meter metric.Meter, tracer trace.Tracer, job durable.Job[Ticket]) (durable.Report, error) {
	t, err := telemetry.New(telemetry.Config{Meter: meter, Tracer: tracer})
	if err != nil {
		return durable.Report{}, err
	}
	telemetry.Attach(&job, t)
	report, err := durable.Run(ctx, job)
	return report, err
}
