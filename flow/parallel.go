package flow

import (
	"context"
	"errors"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balerhq/baler/internal/mailbox"
)

// Concurrency says how [Parallel] runs a function. The zero value is ready to
// use.
type Concurrency struct {
	// Workers is how many items are handled at a time. Zero means
	// runtime.GOMAXPROCS(0).
	Workers int
	// Timeout ends the context of each item that long after its start. Zero
	// means no limit.
	Timeout time.Duration
	// Unordered sends results as they come. Otherwise they keep the order of
	// the items, and at most four times Workers items wait for the slowest.
	Unordered bool
}

func (c Concurrency) check() error {
	switch {
	case c.Workers < 0:
		return errors.New("flow: Concurrency.Workers is negative")
	case c.Timeout < 0:
		return errors.New("flow: Concurrency.Timeout is negative")
	}
	return nil
}

// Parallel runs f on several items at a time. It is for functions that wait,
// such as calls over a network, and pays some hundred nanoseconds an item for
// that; f must be safe for concurrent use. Every result is sent as soon as it
// may go.
//
// A Concurrency that makes no sense is the error of Run.
func Parallel[In, Out any](f Func[In, Out], c Concurrency) Stage[In, Out] {
	return named[In, Out]{name: "parallel " + f.name, StageFunc: func(ctx context.Context, in <-chan []In, out chan<- []Out) error {
		if err := c.check(); err != nil {
			return err
		}
		if c.Workers == 0 {
			c.Workers = runtime.GOMAXPROCS(0)
		}
		group, ctx := errgroup.WithContext(ctx)
		results := newSequencer(out, c)
		jobs := make(chan job[In], c.Workers)
		group.Go(func() error {
			defer close(jobs)
			return dispatch(ctx, in, jobs, results.window)
		})
		for range c.Workers {
			group.Go(func() error { return runWorkers(ctx, c.Timeout, f.bound(), jobs, results) })
		}
		return group.Wait()
	}}
}

// job is an item with its place in the order.
type job[T any] struct {
	place int
	item  T
}

// dispatch hands out the items of in, and waits when the window is full.
func dispatch[T any](ctx context.Context, in <-chan []T, jobs chan<- job[T], window chan<- struct{}) error {
	place := 0
	for slice := range Slices(ctx, in) {
		for _, item := range slice {
			if err := send(ctx, window, struct{}{}); err != nil {
				return err
			}
			if err := send(ctx, jobs, job[T]{place, item}); err != nil {
				return err
			}
			place++
		}
	}
	return context.Cause(ctx)
}

// runWorkers is one worker.
func runWorkers[In, Out any](
	ctx context.Context, limit time.Duration, do transform[In, Out], jobs <-chan job[In], results *sequencer[Out],
) error {
	spent := busyIn(ctx)
	for {
		j, ok := mailbox.Receive(ctx, jobs)
		if !ok || ctx.Err() != nil {
			return context.Cause(ctx)
		}
		began := time.Now()
		made, err := within(ctx, limit, do, j.item)
		spent.add(time.Since(began))
		if err != nil {
			return err
		}
		if err := results.deliver(ctx, j.place, made); err != nil {
			return err
		}
	}
}

// within handles one item, in limit if there is one.
func within[In, Out any](ctx context.Context, limit time.Duration, do transform[In, Out], item In) ([]Out, error) {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	return do(ctx, nil, []In{item})
}
