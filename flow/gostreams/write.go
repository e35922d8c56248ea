package gostreams

import (
	"context"

	"github.com/reugn/go-streams"

	"github.com/balerhq/baler/flow"
)

// write sends items on ch one by one, until ctx is done.
func write[T any](ctx context.Context, ch chan<- any, items []T) error {
	for _, item := range items {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		select {
		case ch <- item:
			continue
		default:
		}
		select {
		case ch <- item:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// writeAll sends all of in on ch and closes ch, whatever happens.
func writeAll[T any](ctx context.Context, in <-chan []T, ch chan<- any) error {
	defer close(ch)
	for items := range flow.Slices(ctx, in) {
		if err := write(ctx, ch, items); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// To ends the pipeline in a go-streams Sink. It closes the sink's inlet at the
// end of the stream and when the pipeline is aborted, and then waits for
// AwaitCompletion. A go-streams Sink cannot report an error: look where its
// connector logs.
func To[T any](p *flow.Pipeline, in <-chan []T, sink streams.Sink, opts ...flow.StageOption) {
	flow.Discard(p, flow.Via(p, in, flow.StageFunc[T, struct{}](
		func(ctx context.Context, in <-chan []T, _ chan<- []struct{}) error {
			defer sink.AwaitCompletion()
			return writeAll(ctx, in, sink.In())
		}), append([]flow.StageOption{flow.Name("gostreams.To")}, opts...)...))
}
