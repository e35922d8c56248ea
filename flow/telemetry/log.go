package telemetry

import (
	"context"
	"log/slog"
	"time"

	"github.com/balerhq/baler/flow"
)

// Logs writes a record when a stage begins and when it ends, with the attribute
// "stage" and, at the end, "duration" and "outcome": at level Debug, and Error
// for a stage that failed, then with "error". Records get the context of the
// stage: a handler that adds the ids of a trace finds them there, if Spans
// comes before Logs in the options of the pipeline.
func Logs(logger *slog.Logger) flow.Option {
	return flow.WithMiddleware(func(ctx context.Context, stage string, run func(context.Context) error) error {
		began, name := time.Now(), slog.String("stage", stage)
		logger.LogAttrs(ctx, slog.LevelDebug, "stage begins", name)
		err := run(ctx)
		end := []slog.Attr{name, slog.String("outcome", outcomeOf(ctx, err)), slog.Duration("duration", time.Since(began))}
		if outcomeOf(ctx, err) == "failed" {
			logger.LogAttrs(ctx, slog.LevelError, "stage failed", append(end, slog.Any("error", err))...)
			return err
		}
		logger.LogAttrs(ctx, slog.LevelDebug, "stage ended", end...)
		return err
	})
}
