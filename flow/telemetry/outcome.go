package telemetry

import (
	"context"
	"errors"
)

// outcomeOf tells how something that obeyed ctx and returned err has ended.
func outcomeOf(ctx context.Context, err error) string {
	switch cause := context.Cause(ctx); {
	case err == nil:
		return "done"
	case cause != nil && (errors.Is(err, cause) || errors.Is(err, ctx.Err())):
		return "stopped"
	default:
		return "failed"
	}
}
