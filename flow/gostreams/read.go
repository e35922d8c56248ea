package gostreams

import (
	"context"
	"runtime"

	"github.com/reugn/go-streams"

	"github.com/balerhq/baler/flow"
)

// The capacities of the channels that go-streams sees. Its own are unbuffered,
// which makes two goroutines meet for every item. Items come in one by one;
// what goes out may be large, such as a batch.
const (
	inlet  = 512
	outlet = 16
)

// From reads a go-streams Source, or any other Outlet, into the pipeline. An
// item that is neither a T nor a []T fails the pipeline with a [*TypeError].
//
// go-streams has no way to tell outlet that nobody needs it any more, and an
// operator that nobody reads blocks for ever. So when the pipeline is cancelled
// or fails, a goroutine reads outlet to its end and drops what comes; Wait does
// not wait for it. Stop an endless outlet by its own means, such as the context
// that the connectors of package extension take.
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
		for likely := 1; ; {
			items, open, err := gather[T](ctx, ch, likely)
			likely = len(items)
			if sendErr := flow.Send(ctx, out, items); sendErr != nil {
				return sendErr
			}
			if err != nil || !open {
				return err
			}
		}
	}
}

// gather waits for one item and takes those along that are there already, or
// come while it lets their writer run for once: that is cheaper than to wait
// for the next one. It makes room for as many as are likely.
func gather[T any](ctx context.Context, ch <-chan any, likely int) (items []T, open bool, err error) {
	items = make([]T, 0, likely)
	select {
	case item, ok := <-ch:
		if !ok {
			return nil, false, nil
		}
		items, err = appendTyped(items, item)
	case <-ctx.Done():
		return nil, false, context.Cause(ctx)
	}
	for yielded := false; err == nil && len(items) < inlet; {
		select {
		case item, ok := <-ch:
			if !ok {
				return items, false, nil
			}
			items, err = appendTyped(items, item)
		default:
			if yielded {
				return items, true, nil
			}
			runtime.Gosched()
			yielded = true
		}
	}
	return items, true, err
}

// discard reads ch to its end, so that whoever writes it can finish.
func discard(ch <-chan any) {
	for range ch {
	}
}
