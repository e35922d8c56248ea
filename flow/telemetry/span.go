package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/balerhq/baler/flow"
)

// Spans makes a span of every stage of a pipeline, with the name of the stage,
// below the span in the context of [flow.New] if there is one.
func Spans(tracer trace.Tracer) flow.Option {
	return flow.WithMiddleware(func(ctx context.Context, stage string, run func(context.Context) error) error {
		return Span(ctx, tracer, stage, run)
	})
}

// Span calls run with a span of its own in the context and returns its error,
// which it records. Build a pipeline, and wait for it, in run.
func Span(ctx context.Context, tracer trace.Tracer, name string, run func(context.Context) error) error {
	ctx, span := tracer.Start(ctx, name)
	defer span.End() // also when run panics
	err := run(ctx)
	outcome := outcomeOf(ctx, err)
	span.SetAttributes(attribute.String("baler.outcome", outcome))
	if outcome == "failed" {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}
