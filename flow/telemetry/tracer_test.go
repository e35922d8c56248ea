package telemetry_test

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
	"go.opentelemetry.io/otel/trace/noop"
)

// A tracer keeps the spans that have ended, by name.
type tracer struct {
	embedded.Tracer
	mu    sync.Mutex
	ended map[string]record
}

// A record is what is left of a span.
type record struct {
	Parent, Outcome, Description string
	Status                       codes.Code
	Errors                       []string
}

func newTracer() *tracer { return &tracer{ended: map[string]record{}} }

type span struct {
	noop.Span
	tracer *tracer
	name   string
	record record
}

func (t *tracer) Start(ctx context.Context, name string, _ ...trace.SpanStartOption) (context.Context, trace.Span) {
	s := &span{tracer: t, name: name}
	if parent, ok := trace.SpanFromContext(ctx).(*span); ok {
		s.record.Parent = parent.name
	}
	return trace.ContextWithSpan(ctx, s), s
}

func (s *span) End(...trace.SpanEndOption) {
	s.tracer.mu.Lock()
	defer s.tracer.mu.Unlock()
	s.tracer.ended[s.name] = s.record
}

func (s *span) SetAttributes(attributes ...attribute.KeyValue) {
	for _, a := range attributes {
		if a.Key == "baler.outcome" {
			s.record.Outcome = a.Value.AsString()
		}
	}
}

func (s *span) RecordError(err error, _ ...trace.EventOption) {
	s.record.Errors = append(s.record.Errors, err.Error())
}

func (s *span) SetStatus(code codes.Code, description string) {
	s.record.Status, s.record.Description = code, description
}
