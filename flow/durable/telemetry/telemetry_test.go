package telemetry_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/durable/telemetry"
	"github.com/balerhq/baler/sink/llm/price"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// observed is a run with telemetry: 49 rows that succeed and one that fails, in
// three batches.
type observed struct {
	w      *durabletest.World
	reader *sdkmetric.ManualReader
	spans  *tracetest.SpanRecorder
	of     *telemetry.Telemetry
	job    durable.Job[durabletest.Ticket]
}

func observe(t *testing.T, do func(*observed)) {
	t.Helper()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		tickets := durabletest.Tickets(50)
		tickets[7] = `{"id":"bad","text":"[[400]] canary"}`
		w.Write("in.jsonl", tickets...)
		o := &observed{w: w, reader: sdkmetric.NewManualReader(), spans: tracetest.NewSpanRecorder(), job: w.BriskJob()}
		o.job.Batch.MaxItems = 20
		meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(o.reader))
		traces := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(o.spans))
		var err error
		if o.of, err = telemetry.New(telemetry.Config{Meter: meters.Meter("baler"), Tracer: traces.Tracer("baler")}); err != nil {
			w.T.Fatal(err)
		}
		telemetry.Attach(&o.job, o.of)
		do(o)
	})
}

// metrics returns what a reader collects, one line a series: its name, its
// attributes but those of the job, and its sum or count.
func (o *observed) metrics() (lines []string) {
	o.w.T.Helper()
	var all metricdata.ResourceMetrics
	if err := o.reader.Collect(o.w.T.Context(), &all); err != nil {
		o.w.T.Fatal(err)
	}
	line := func(name string, set attribute.Set, value any) {
		set, _ = set.Filter(func(kv attribute.KeyValue) bool {
			return !slices.Contains([]string{"baler.job", "gen_ai.provider.name", "gen_ai.operation.name", "gen_ai.request.model"}, string(kv.Key))
		})
		lines = append(lines, strings.TrimSpace(fmt.Sprint(name, " ", set.Encoded(attribute.DefaultEncoder())))+fmt.Sprint(" = ", value))
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					line(m.Name, p.Attributes, p.Value)
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					line(m.Name, p.Attributes, p.Value)
				}
			case metricdata.Sum[float64]:
				for _, p := range data.DataPoints {
					line(m.Name, p.Attributes, p.Value)
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					line(m.Name, p.Attributes, p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					line(m.Name, p.Attributes, p.Count)
				}
			}
		}
	}
	return lines
}

func TestMetricsOfARun(t *testing.T) {
	t.Parallel()
	observe(t, func(o *observed) {
		o.w.MustRun(o.job)
		got := o.metrics()
		for _, want := range []string{
			"baler.rows baler.rows.state=succeeded = 49", "baler.rows baler.rows.state=failed = 1", "baler.rows baler.rows.state=waiting = 0",
			"baler.rows baler.rows.state=in_batch = 0", "baler.rows.read = 50", "baler.batches.bought = 3", "baler.batches.refused = 0",
			"baler.rows.results baler.outcome=succeeded = 49", "baler.rows.results baler.outcome=failed,error.type=invalid_value = 1",
			"baler.batch.size baler.flush.reason=size = 2", "baler.batch.size baler.flush.reason=close = 1",
			"baler.batch.fill baler.flush.reason=size = 2", "gen_ai.client.operation.duration = 3",
			"gen_ai.client.token.usage gen_ai.token.type=input = 49", "gen_ai.client.token.usage gen_ai.token.type=output = 49",
			"baler.batch.state.duration baler.batch.state=submitted = 3", "baler.batch.state.duration baler.batch.state=uploaded = 3",
		} {
			if !slices.Contains(got, want) {
				o.w.T.Errorf("no %s in\n%s", want, strings.Join(got, "\n"))
			}
		}
		if err := o.of.Close(); err != nil {
			o.w.T.Error(err)
		}
	})
}

// What a run has cost, and what is left of its budget, are metrics.
func TestMetricsOfMoney(t *testing.T) {
	t.Parallel()
	observe(t, func(o *observed) {
		o.job.Budget.Total = 5 * price.USD
		o.job.Model = "gpt-5.4-mini"
		report := o.w.MustRun(o.job)
		cost := report.Spending.Cost
		if cost <= 0 {
			o.w.T.Fatalf("the run has cost %s", cost)
		}
		got := o.metrics()
		for name, want := range map[string]price.Money{"baler.cost": cost, "baler.cost.reserved": 0, "baler.budget.left": 5*price.USD - cost} {
			if line := fmt.Sprint(name, " = ", float64(want)/float64(price.USD)); !slices.Contains(got, line) {
				o.w.T.Errorf("no %s in\n%s", line, strings.Join(got, "\n"))
			}
		}
	})
}

// Answers that were given again are metrics, once there are any.
func TestMetricsOfReuse(t *testing.T) {
	t.Parallel()
	observe(t, func(o *observed) {
		o.w.MustRun(o.job)
		if got := o.metrics(); slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, "baler.calls") }) {
			o.w.T.Errorf("%q", got)
		}
		o.of.Observe(durable.Event{Job: o.job.Name, Reuse: &durable.Reuse{Hits: 3, Shared: 1, Saved: 2 * price.USD}})
		got := o.metrics()
		for _, want := range []string{"baler.calls.reused baler.reuse=hit = 3", "baler.calls.reused baler.reuse=shared = 1", "baler.calls.saved = 2"} {
			if !slices.Contains(got, want) {
				o.w.T.Errorf("no %s in\n%s", want, strings.Join(got, "\n"))
			}
		}
	})
}

// While batches are open, the gauges say so, and what waits.
func TestMetricsOfOpenBatches(t *testing.T) {
	t.Parallel()
	observe(t, func(o *observed) {
		o.job.MaxInFlight = 2
		o.w.LeaveWhen(o.job, func(p durable.Progress) bool {
			o.of.Progress(o.job.Name, p) // in place of what is attached
			return p.Batches == 2
		})
		got := o.metrics()
		for _, want := range []string{
			"baler.rows baler.rows.state=in_batch = 40", "baler.rows baler.rows.state=waiting = 10",
			"baler.batches baler.batch.state=submitted = 2", "baler.batch.limit = 20",
		} {
			if !slices.Contains(got, want) {
				o.w.T.Errorf("no %s in\n%s", want, strings.Join(got, "\n"))
			}
		}
	})
}

// A run, its route and its batches are spans, one below the other, and hold no
// payload.
func TestSpansOfARun(t *testing.T) {
	t.Parallel()
	observe(t, func(o *observed) {
		o.w.MustRun(o.job)
		t, ended := o.w.T, o.spans.Ended()
		names, ids := make(map[string]int), make(map[string]string)
		for _, s := range ended {
			names[s.Name()]++
			ids[s.SpanContext().SpanID().String()] = s.Name()
		}
		if len(ended) != 5 || names["baler.run "+o.job.Name] != 1 || names["baler.route"] != 1 || names["chat gpt-test"] != 3 || len(o.spans.Started()) != 5 {
			t.Fatalf("%v", names)
		}
		parents := map[string]string{"chat gpt-test": "baler.route", "baler.route": "baler.run " + o.job.Name, "baler.run " + o.job.Name: ""}
		for _, s := range ended {
			if got := ids[s.Parent().SpanID().String()]; got != parents[s.Name()] {
				t.Errorf("%s is below %q", s.Name(), got)
			}
			text, err := json.Marshal(s.Attributes())
			if err != nil || strings.Contains(string(text), "canary") || s.Status().Code == codes.Error {
				t.Errorf("%v, %v, %s", err, s.Status(), text)
			}
			if s.Name() == "chat gpt-test" && !slices.Contains(s.Attributes(), attribute.Int("baler.batch.limit", 20)) {
				t.Errorf("%s", text)
			}
		}
	})
}

// A process that stops ends the spans of what goes on without it.
func TestSpansEndWithTheirProcess(t *testing.T) {
	t.Parallel()
	observe(t, func(o *observed) {
		o.w.LeaveWhen(o.job, func(p durable.Progress) bool { return p.Batches == 3 })
		if started, ended := len(o.spans.Started()), len(o.spans.Ended()); started != ended || started != 5 {
			o.w.T.Errorf("%d spans of %d have ended", ended, started)
		}
	})
}
