package telemetry

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/balerhq/baler/flow/durable"
)

// job is what is known of a job: its open spans, and what gauges show.
type job struct {
	name     string
	progress durable.Progress
	reuse    *durable.Reuse    // nil as long as there is none
	batches  map[string]*batch // that are not done, by tag
	named    map[string]*batch // the same, by the provider's name
	notices  map[[2]string]durable.NoticeKind
	usable   map[string]bool // routes that something was said of

	ctx    context.Context // of the run's span; nil if there is none
	run    trace.Span      // the same
	routes map[attribute.Distinct]*route
}

// route is the span of a route.
type route struct {
	ctx  context.Context
	span trace.Span
}

// batch is a batch that is not done.
type batch struct {
	event *durable.BatchEvent // the last
	since time.Time           // when that was
	span  trace.Span          // nil if there is none
}

func newJob(name string) *job {
	return &job{
		name: name, batches: make(map[string]*batch), named: make(map[string]*batch), notices: make(map[[2]string]durable.NoticeKind), usable: make(map[string]bool),
		routes: make(map[attribute.Distinct]*route),
	}
}

func (j *job) notice(e *durable.NoticeEvent) {
	key := [2]string{string(e.Kind), e.Tag}
	if e.Over {
		delete(j.notices, key)
	} else {
		j.notices[key] = e.Kind
	}
}

// begin starts the span of the run, unless there is one.
func (j *job) begin(tracer trace.Tracer, at time.Time) {
	if tracer == nil || j.run != nil {
		return
	}
	j.ctx, j.run = tracer.Start(context.Background(), "baler.run "+j.name, trace.WithTimestamp(at),
		trace.WithAttributes(jobKey.String(j.name)))
}

// end ends all spans of the job.
func (j *job) end(at time.Time) {
	for _, b := range j.batches {
		b.end(at)
	}
	for _, r := range j.routes {
		r.span.End(trace.WithTimestamp(at))
	}
	clear(j.routes)
	if j.run != nil {
		j.run.SetAttributes(
			attribute.Int("baler.rows.read", j.progress.Rows), attribute.Int("baler.rows.succeeded", j.progress.Succeeded),
			attribute.Int("baler.rows.failed", j.progress.Failed), attribute.Int("baler.batches.bought", j.progress.Batches))
		j.run.End(trace.WithTimestamp(at))
	}
	j.ctx, j.run = nil, nil
}

// startBatch starts the span of a batch below that of its route.
func (j *job) startBatch(tracer trace.Tracer, at time.Time, e *durable.BatchEvent) trace.Span {
	if tracer == nil {
		return nil
	}
	j.begin(tracer, at)
	attributes := ofBatch(j.name, e)
	r := j.routes[attributes.Equivalent()]
	if r == nil {
		r = new(route)
		r.ctx, r.span = tracer.Start(j.ctx, strings.TrimSpace("baler.route "+e.Route), trace.WithTimestamp(at), trace.WithAttributes(attributes.ToSlice()...))
		j.routes[attributes.Equivalent()] = r
	}
	_, span := tracer.Start(r.ctx, operationOf(e.Endpoint)+" "+e.Model, trace.WithTimestamp(at), trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attributes.ToSlice()...))
	return span
}

// describe adds to the span what the last event says.
func (b *batch) describe(e *durable.BatchEvent) {
	if b.span == nil {
		return
	}
	b.span.SetAttributes(
		attribute.String("baler.batch.tag", e.Tag), attribute.String("baler.batch.id", e.Batch), batchStateKey.String(e.State),
		attribute.Int("baler.batch.size", e.Rows))
	if f := e.Flush; f != nil {
		b.span.SetAttributes(reasonKey.String(f.Reason), attribute.Int("baler.batch.limit", f.Limit), attribute.Float64("baler.batch.fill", f.Fill))
	}
	if e.Code != "" {
		b.span.SetAttributes(errorKey.String(e.Code))
		b.span.SetStatus(codes.Error, e.Code)
	}
}

func (b *batch) end(at time.Time) {
	if b.span != nil {
		b.span.End(trace.WithTimestamp(at))
		b.span = nil
	}
}

func fail(span trace.Span, err error) { span.SetStatus(codes.Error, err.Error()) }
