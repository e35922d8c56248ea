package telemetry

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/balerhq/baler/flow"
)

// Metrics reports the counters of p whenever meter is collected; without
// [flow.WithStats] they are all zero:
//
//	baler.stage.in       counter          {item}   items that the stage took
//	baler.stage.out      counter          {item}   items that it sent
//	baler.stage.waiting  up-down counter  {item}   items that lie ready for it
//	baler.stage.busy     counter          s        how long its functions ran
//	baler.stage.held     counter          s        how long it let items lie ready
//
// The attributes are "baler.pipeline", which is name, and "baler.stage".
// Pipelines that share a meter at one time need different names, or they report
// the same series.
//
// Unregister the result when the pipeline has ended: until then the meter keeps
// p. What was counted since the last collection is then not reported; flush the
// SDK's reader before, if it matters. Metrics fails if meter does.
func Metrics(meter metric.Meter, name string, p *flow.Pipeline) (metric.Registration, error) {
	i, err := newInstruments(meter)
	if err != nil {
		return nil, fmt.Errorf("telemetry: metrics of pipeline %q: %w", name, err)
	}
	report := func(_ context.Context, o metric.Observer) error {
		for _, s := range p.Stats() {
			i.observe(o, s, attribute.NewSet(attribute.String("baler.pipeline", name), attribute.String("baler.stage", s.Name)))
		}
		return nil
	}
	registration, err := meter.RegisterCallback(report, i.in, i.out, i.waiting, i.busy, i.held)
	if err != nil {
		return nil, fmt.Errorf("telemetry: metrics of pipeline %q: %w", name, err)
	}
	return registration, nil
}

type instruments struct {
	in, out    metric.Int64ObservableCounter
	waiting    metric.Int64ObservableUpDownCounter
	busy, held metric.Float64ObservableCounter
}

func newInstruments(meter metric.Meter) (instruments, error) {
	items := metric.WithUnit("{item}")
	in, errIn := meter.Int64ObservableCounter("baler.stage.in", items, metric.WithDescription("Items that the stage took."))
	out, errOut := meter.Int64ObservableCounter("baler.stage.out", items, metric.WithDescription("Items that the stage sent."))
	waiting, errWaiting := meter.Int64ObservableUpDownCounter("baler.stage.waiting", items,
		metric.WithDescription("Items that lie ready for the stage."))
	busy, errBusy := meter.Float64ObservableCounter("baler.stage.busy", metric.WithUnit("s"),
		metric.WithDescription("How long the functions of the stage ran."))
	held, errHeld := meter.Float64ObservableCounter("baler.stage.held", metric.WithUnit("s"),
		metric.WithDescription("How long the stage let items lie ready."))
	return instruments{in, out, waiting, busy, held}, errors.Join(errIn, errOut, errWaiting, errBusy, errHeld)
}

func (i instruments) observe(o metric.Observer, s flow.StageStats, of attribute.Set) {
	attributes := metric.WithAttributeSet(of)
	o.ObserveInt64(i.in, s.In, attributes)
	o.ObserveInt64(i.out, s.Out, attributes)
	o.ObserveInt64(i.waiting, s.Waiting, attributes)
	o.ObserveFloat64(i.busy, s.Busy.Seconds(), attributes)
	o.ObserveFloat64(i.held, s.Held.Seconds(), attributes)
}
