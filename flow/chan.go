package flow

import (
	"context"

	"github.com/balerhq/baler/internal/mailbox"
)

// Chan returns the items of in one by one, for code that reads a plain channel.
// It is closed at the end of the stream and when the pipeline is aborted:
// [Pipeline.Wait] tells which. Read it to its end, or cancel the pipeline.
func Chan[T any](p *Pipeline, in <-chan []T, opts ...StageOption) <-chan T {
	out := make(chan T, mailbox.MaxSlice)
	name := p.graph.add("chan", opts, []any{in}, nil)
	in = inlet(p, in, true)
	p.stage(p.stages, name, func(ctx context.Context) error {
		defer close(out)
		for slice := range Slices(ctx, in) {
			for _, item := range slice {
				if err := send(ctx, out, item); err != nil {
					return err
				}
			}
		}
		return context.Cause(ctx)
	})
	return out
}
