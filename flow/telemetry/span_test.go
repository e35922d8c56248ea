package telemetry_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/telemetry"
)

func TestARunHasASpanAndEveryStageOneBelowIt(t *testing.T) {
	spans := newTracer()
	err := telemetry.Span(t.Context(), spans, "import", func(ctx context.Context) error {
		p := flow.New(ctx, telemetry.Spans(spans))
		flow.Discard(p, flow.Via(p, flow.From(p, slices.Values([]int{1, 2})), flow.Filter(func(int) bool { return true })))
		return p.Wait()
	})
	if err != nil {
		t.Fatal(err)
	}
	stage := record{Parent: "import", Outcome: "done"}
	want := map[string]record{"import": {Outcome: "done"}, "source": stage, "filter": stage, "discard": stage}
	if diff := cmp.Diff(want, spans.ended); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyTheStageThatFailedHasAnError(t *testing.T) {
	spans := newTracer()
	p := flow.New(t.Context(), telemetry.Spans(spans))
	idle := flow.FromChan(p, make(chan int))
	flow.To(p, idle, func(context.Context, int) error { return nil })
	broken := func(context.Context, chan<- []int) error { return errors.New("broken") }
	flow.Discard(p, flow.FromFunc(p, broken, flow.Name("broken")), flow.Name("end"))
	if err := p.Wait(); err == nil {
		t.Fatal("Wait = nil, want the failure")
	}
	delete(spans.ended, "end") // sees the end of its input or the abort, whichever is first
	want := map[string]record{
		"source": {Outcome: "stopped"},
		"sink":   {Outcome: "stopped"},
		"broken": {Outcome: "failed", Status: codes.Error, Description: "broken", Errors: []string{"broken"}},
	}
	if diff := cmp.Diff(want, spans.ended); diff != "" {
		t.Error(diff)
	}
}

func TestACancelledRunIsStopped(t *testing.T) {
	spans := newTracer()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("closing time"))
	err := telemetry.Span(ctx, spans, "import", func(ctx context.Context) error {
		p := flow.New(ctx)
		flow.Discard(p, flow.FromChan(p, make(chan int)))
		return p.Wait()
	})
	if err == nil || spans.ended["import"].Outcome != "stopped" {
		t.Errorf("%v with the span %+v, want it stopped", err, spans.ended["import"])
	}
}

func TestAFunctionGetsTheSpanOfItsStage(t *testing.T) {
	spans := newTracer()
	p := flow.New(t.Context(), telemetry.Spans(spans))
	flow.To(p, flow.From(p, slices.Values([]int{1})), func(ctx context.Context, _ int) error {
		if s, ok := trace.SpanFromContext(ctx).(*span); !ok || s.name != "insert" {
			t.Errorf("the context has %v, want the span of the stage", trace.SpanFromContext(ctx))
		}
		return nil
	}, flow.Name("insert"))
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestASpanEndsWhenRunPanics(t *testing.T) {
	spans := newTracer()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = telemetry.Span(t.Context(), spans, "import", func(context.Context) error { panic("ouch") })
	}()
	if _, ok := spans.ended["import"]; !ok {
		t.Error("the span did not end")
	}
}
