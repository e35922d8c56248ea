package telemetry_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"
	"go.opentelemetry.io/otel/metric/noop"
)

// A meter collects like a reader of the SDK, into lines of text. It refuses the
// instrument called refused.
type meter struct {
	noop.Meter
	refused  string
	callback metric.Callback // nil when none is registered
	failing  error
}

func (m *meter) check(name string) error {
	if name == m.refused {
		return fmt.Errorf("no %s here", name)
	}
	return nil
}

func (m *meter) Int64ObservableCounter(
	name string, _ ...metric.Int64ObservableCounterOption,
) (metric.Int64ObservableCounter, error) {
	return counter{name: name}, m.check(name)
}

func (m *meter) Int64ObservableUpDownCounter(
	name string, _ ...metric.Int64ObservableUpDownCounterOption,
) (metric.Int64ObservableUpDownCounter, error) {
	return upDownCounter{name: name}, m.check(name)
}

func (m *meter) Float64ObservableCounter(
	name string, _ ...metric.Float64ObservableCounterOption,
) (metric.Float64ObservableCounter, error) {
	return floatCounter{name: name}, m.check(name)
}

func (m *meter) Float64ObservableGauge(name string, _ ...metric.Float64ObservableGaugeOption) (metric.Float64ObservableGauge, error) {
	return gauge{name: name}, m.check(name)
}

func (m *meter) RegisterCallback(f metric.Callback, _ ...metric.Observable) (metric.Registration, error) {
	m.callback = f
	return registration{meter: m}, m.failing
}

type registration struct {
	embedded.Registration
	meter *meter
}

func (r registration) Unregister() error {
	r.meter.callback = nil
	return nil
}

type counter struct {
	noop.Int64ObservableCounter
	name string
}

type upDownCounter struct {
	noop.Int64ObservableUpDownCounter
	name string
}

type floatCounter struct {
	noop.Float64ObservableCounter
	name string
}

type gauge struct {
	noop.Float64ObservableGauge
	name string
}

// collect returns a sorted line for every observation.
func (m *meter) collect(ctx context.Context) []string {
	if m.callback == nil {
		return nil
	}
	o := &observer{}
	if err := m.callback(ctx, o); err != nil {
		return []string{err.Error()}
	}
	slices.Sort(o.lines)
	return o.lines
}

// items is collect without what depends on timing.
func (m *meter) items(ctx context.Context) []string {
	return slices.DeleteFunc(m.collect(ctx), func(line string) bool {
		return strings.Contains(line, "busy") || strings.Contains(line, "held") || strings.Contains(line, "waiting")
	})
}

type observer struct {
	embedded.Observer
	lines []string
}

func (o *observer) ObserveInt64(of metric.Int64Observable, value int64, opts ...metric.ObserveOption) {
	name := ""
	switch i := of.(type) {
	case counter:
		name = i.name
	case upDownCounter:
		name = i.name
	}
	o.line(name, value, opts)
}

func (o *observer) ObserveFloat64(of metric.Float64Observable, value float64, opts ...metric.ObserveOption) {
	if g, ok := of.(gauge); ok {
		set := metric.NewObserveConfig(opts).Attributes()
		part, _ := set.Value("baler.part")
		figure, _ := set.Value("baler.figure")
		o.line(fmt.Sprintf("%s[%s] %s", g.name, part.AsString(), figure.AsString()), value, opts)
		return
	}
	o.line(of.(floatCounter).name, value, opts)
}

func (o *observer) line(name string, value any, opts []metric.ObserveOption) {
	set := metric.NewObserveConfig(opts).Attributes()
	pipeline, _ := set.Value("baler.pipeline")
	stage, _ := set.Value("baler.stage")
	o.lines = append(o.lines, fmt.Sprintf("%s/%s %s %v", pipeline.AsString(), stage.AsString(), name, value))
}
