// Package telemetry shows pipelines to OpenTelemetry and to slog. A pipeline
// that does not ask for it pays nothing. One that does pays per stage and per
// reading, never per item:
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
// [Spans] makes a span of every stage, and [Span] one of the whole run, above
// them. Both carry the outcome in the attribute "baler.outcome": "done",
// "stopped" (a cancellation or the failure of another stage cut the stage
// short), or "failed". Only a failed stage has the status of an error. The
// functions of a stage get its span in their context.
//
// [Metrics] reports the counters of [flow.Pipeline.Stats] whenever they are
// collected, and [Figures] what a larger stage says of itself, such as its
// queue. [Logs] writes a record when a stage begins and when it ends.
//
// None of them reads items. The text of a stage's error is exported as it is,
// so an error must not hold a secret.
package telemetry
