// Package telemetry shows pipelines to OpenTelemetry and to slog. A pipeline that does not ask for it pays nothing, and one
// that does pays per stage and per reading, never per item:
//
//	err := telemetry.Span(ctx, tracer, "import", func(ctx context.Context) error {
//		p := flow.New(ctx, flow.WithStats(), telemetry.Spans(tracer), telemetry.Logs(logger))
//		metrics, err := telemetry.Metrics(meter, "import", p)
//		...
//		return errors.Join(p.Wait(), metrics.Unregister())
//	})
//
// It uses the API of OpenTelemetry alone: the program brings the SDK, or none.
//
// [Spans] makes a span of every stage, and [Span] one of the whole run, above them. Both carry the outcome in the attribute
// "baler.outcome": "done", "stopped" (the stage was cut short by a cancellation, or by the failure of another), or "failed".
// Only what failed has the status of an error. The functions of a stage get its span in their context.
//
// [Metrics] reports the counters of [flow.Pipeline.Stats] whenever they are collected. [Logs] writes a record when a stage
// begins and when it ends.
//
// None of them looks at items. The text of an error that a stage returned is passed on as it is, so what must not be seen
// must not be in it.
package telemetry
