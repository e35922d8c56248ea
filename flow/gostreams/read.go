package gostreams

import (
	"context"

	"github.com/reugn/go-streams"

	"github.com/balerhq/baler/flow"
)

// The capacities of the channels that go-streams sees. Its own are unbuffered, which makes two goroutines meet for every
// item. Items come in one by one; what goes out may be large, such as a batch.
const (
	inlet  = 512
	outlet = 16
)

// From reads a go-streams Source, or any other Outlet, into the pipeline. An item that is neither a T nor a []T fails the
// pipeline with a [*TypeError].
//
// go-streams has no way to tell outlet that nobody needs it any more, and an operator that nobody reads blocks for ever. So
// when the pipeline is cancelled or fails, a goroutine reads outlet to its end and drops what comes; Wait does not wait for
// it. Stop an endless outlet by its own means, such as the context that the connectors of package extension take.
func From[T any](p *flow.Pipeline, outlet streams.Outlet, opts ...flow.StageOption) <-chan []T {
	return flow.FromFunc(p, func(ctx context.Context, out chan<- []T) error {
		err := reader[T](outlet.Out())(ctx, out)
		if err != nil {
			go discard(outlet.Out())
		}
		return err
	}, opts...)
}

// reader is a source that reads an untyped channel until it is closed.
func reader[T any](ch <-chan any) func(context.Context, chan<- []T) error {
	return func(ctx context.Context, out chan<- []T) error {
		for {
			items, open, err := gather[T](ctx, ch)
			if sendErr := flow.Send(ctx, out, items); sendErr != nil {
				return sendErr
			}
			if err != nil || !open {
				return err
			}
		}
	}
}

// gather waits for one item and takes those that are there already along.
func gather[T any](ctx context.Context, ch <-chan any) (items []T, open bool, err error) {
	select {
	case item, ok := <-ch:
		if !ok {
			return nil, false, nil
		}
		items, err = appendTyped(items, item)
	case <-ctx.Done():
		return nil, false, context.Cause(ctx)
	}
	for err == nil && len(items) < inlet {
		select {
		case item, ok := <-ch:
			if !ok {
				return items, false, nil
			}
			items, err = appendTyped(items, item)
		default:
			return items, true, nil
		}
	}
	return items, true, err
}

// discard reads ch to its end, so that whoever writes it can finish.
func discard(ch <-chan any) {
	for range ch {
	}
}
