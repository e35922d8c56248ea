package telemetry

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Figures reports what a stage says of itself whenever meter is collected: its
// queue, what it has let pass, what has overflowed. It takes the Stats method
// of the stage:
//
//	figures, err := telemetry.Figures(meter, "import", "tenants", paced.Stats)
//
// Each number of the result is an observation of the gauge
// "baler.stage.figure", with the name of its field in the attribute
// "baler.figure", as in "in_flight". A duration counts in seconds, and a bool
// as 0 or 1. The numbers of a list of parts, such as the routes of a router,
// have the Name of their part in "baler.part". So have counts that a method All
// yields: those of an accumulator's Reasons have the reason there, as in "age",
// and those of its histogram of waits the longest wait of their bucket, in
// seconds. Other fields are left out. "baler.pipeline" and "baler.stage" are as
// in [Metrics].
//
// Unregister the result when the stage has ended.
func Figures[S any](meter metric.Meter, pipeline, stage string, stats func() S) (metric.Registration, error) {
	gauge, err := meter.Float64ObservableGauge("baler.stage.figure", metric.WithDescription("What a stage says of itself."))
	if err != nil {
		return nil, fmt.Errorf("telemetry: figures of stage %q: %w", stage, err)
	}
	of := []attribute.KeyValue{attribute.String("baler.pipeline", pipeline), attribute.String("baler.stage", stage)}
	registration, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		figures(reflect.ValueOf(stats()), of, func(value float64, of []attribute.KeyValue) {
			o.ObserveFloat64(gauge, value, metric.WithAttributes(of...))
		})
		return nil
	}, gauge)
	if err != nil {
		return nil, fmt.Errorf("telemetry: figures of stage %q: %w", stage, err)
	}
	return registration, nil
}

// figures calls observe for each number in the fields of s.
func figures(s reflect.Value, of []attribute.KeyValue, observe func(float64, []attribute.KeyValue)) {
	if s.Kind() != reflect.Struct {
		return
	}
	for field, v := range s.Fields() {
		if !field.IsExported() {
			continue
		}
		if value, ok := number(v); ok {
			observe(value, with(of, "baler.figure", snake(field.Name)))
			continue
		}
		for key, n := range counts(v) {
			if value, ok := number(n); ok {
				observe(value, with(with(of, "baler.figure", snake(field.Name)), "baler.part", label(key)))
			}
		}
		if v.Kind() != reflect.Slice {
			continue
		}
		for i := range v.Len() {
			if name, ok := nameOf(v.Index(i)); ok {
				figures(v.Index(i), with(of, "baler.part", name), observe)
			}
		}
	}
}

// counts yields what a method All of v yields, and nothing without one.
func counts(v reflect.Value) iter.Seq2[reflect.Value, reflect.Value] {
	all := v.MethodByName("All")
	if !all.IsValid() || all.Type().NumIn() > 0 || all.Type().NumOut() != 1 || !all.Type().Out(0).CanSeq2() {
		return func(func(_, _ reflect.Value) bool) {}
	}
	return all.Call(nil)[0].Seq2()
}

// label writes the key of a count, a duration in seconds.
func label(key reflect.Value) string {
	if key.Type() == reflect.TypeFor[time.Duration]() {
		seconds, _ := number(key)
		return strconv.FormatFloat(seconds, 'f', -1, 64)
	}
	return fmt.Sprint(key)
}

func with(of []attribute.KeyValue, key, value string) []attribute.KeyValue {
	return append(slices.Clip(of), attribute.String(key, value))
}

// nameOf returns the Name of a part.
func nameOf(part reflect.Value) (string, bool) {
	if part.Kind() != reflect.Struct {
		return "", false
	}
	name := part.FieldByName("Name")
	return name.String(), name.IsValid() && name.Kind() == reflect.String
}

func number(v reflect.Value) (float64, bool) {
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		return time.Duration(v.Int()).Seconds(), true
	case v.CanInt():
		return float64(v.Int()), true
	case v.CanUint():
		return float64(v.Uint()), true
	case v.CanFloat():
		return v.Float(), true
	case v.Kind() == reflect.Bool && v.Bool():
		return 1, true
	case v.Kind() == reflect.Bool:
		return 0, true
	}
	return 0, false
}

// snake writes a field name as attributes are written: InFlight as in_flight.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
