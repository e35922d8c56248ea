package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/balerhq/baler/flow/durable"
)

// with adds attributes to a set.
func with(set attribute.Set, more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(set.ToSlice(), more...)...))
}

// made records a batch when it is new.
func (m *metrics) made(j *job, e *durable.BatchEvent) {
	if m == nil || e.Flush == nil || e.Was != "" {
		return
	}
	of := with(ofBatch(j.name, e), reasonKey.String(e.Flush.Reason))
	m.size.Record(context.Background(), float64(e.Rows), of)
	m.fill.Record(context.Background(), e.Flush.Fill, of)
}

// moved records how long a batch was in its state.
func (m *metrics) moved(j *job, b *batch, at time.Time) {
	if m != nil {
		m.inState.Record(context.Background(), at.Sub(b.since).Seconds(), with(ofBatch(j.name, b.event), batchStateKey.String(b.event.State)))
	}
}

// answered records how long the provider took.
func (m *metrics) answered(j *job, e *durable.BatchEvent, at time.Time) {
	if m == nil || e.SentAt.IsZero() {
		return
	}
	var more []attribute.KeyValue
	if e.Code != "" {
		more = append(more, errorKey.String(e.Code))
	}
	m.duration.Record(context.Background(), max(0, at.Sub(e.SentAt).Seconds()), with(ofBatch(j.name, e), more...))
}

// row records a result. Rows of other runs, and those that share the answer of
// another, used no tokens.
func (m *metrics) row(j *job, e *durable.RowEvent) {
	if m == nil {
		return
	}
	ctx := context.Background()
	of := attribute.NewSet(j.ofRow(e)...)
	outcome := []attribute.KeyValue{outcomeKey.String(string(e.Status))}
	if e.Code != "" {
		outcome = append(outcome, errorKey.String(e.Code))
	}
	m.results.Add(ctx, 1, with(of, outcome...))
	if e.Attempts > 1 {
		m.retries.Add(ctx, int64(e.Attempts-1), metric.WithAttributeSet(of))
	}
	if e.Usage == nil || e.Cached || e.Shared {
		return
	}
	m.tokens.Record(ctx, float64(e.Usage.Input), with(of, tokenKey.String("input")))
	m.tokens.Record(ctx, float64(e.Usage.Output), with(of, tokenKey.String("output")))
}

// ofRow has the attributes that say who answered a row.
func (j *job) ofRow(e *durable.RowEvent) []attribute.KeyValue {
	if b := j.named[e.Batch]; b != nil {
		set := ofBatch(j.name, b.event)
		return set.ToSlice()
	}
	all := []attribute.KeyValue{jobKey.String(j.name)}
	if e.Model != "" {
		all = append(all, modelKey.String(e.Model))
	}
	if e.Route != "" {
		all = append(all, routeKey.String(e.Route))
	}
	return all
}
