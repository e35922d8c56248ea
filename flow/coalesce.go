package flow

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Answered is an item with the result for it.
type Answered[In, Out any] struct {
	Item   In
	Result Out
}

// Coalesce runs ask once for all items with the same key that are in flight at a time, and gives every one of them the
// result: identical requests share one row. of tells the key of the item that a result belongs to. ask must answer every
// item once, in any order: anything else is [ErrLane].
//
// At most limit items are in flight, those that wait for the result of another included; more wait outside. limit must
// exceed what ask gathers before it answers. Zero means 65536.
func Coalesce[In, Out any](key func(In) string, of func(Out) string, ask Stage[In, Out], limit int) Stage[In, Answered[In, Out]] {
	if limit == 0 {
		limit = 1 << 16
	}
	return named[In, Answered[In, Out]]{name: "coalesce", StageFunc: func(
		ctx context.Context, in <-chan []In, out chan<- []Answered[In, Out],
	) error {
		if limit < 0 {
			return fmt.Errorf("flow: Coalesce: limit %d is negative", limit)
		}
		c := coalescing[In, Out]{key: key, of: of, waiting: map[string][]In{}, room: make(chan struct{}, limit)}
		group, ctx := errgroup.WithContext(ctx)
		asked, answers := make(chan []In, 1), make(chan []Out, 1)
		group.Go(func() error {
			defer close(asked)
			return c.feed(ctx, in, asked)
		})
		group.Go(func() error {
			defer close(answers)
			return runToEnd(ctx, ask, asked, answers)
		})
		group.Go(func() error { return c.gather(ctx, answers, out) })
		return group.Wait()
	}}
}

// coalescing is one run of a Coalesce.
type coalescing[In, Out any] struct {
	key  func(In) string
	of   func(Out) string
	room chan struct{} // holds a token for every item in flight

	mu      sync.Mutex
	waiting map[string][]In // by key, for the result
}

// feed passes on the first item of every key. It never holds an item back while it waits for room.
func (c *coalescing[In, Out]) feed(ctx context.Context, in <-chan []In, asked chan<- []In) error {
	for slice := range Slices(ctx, in) {
		var first []In
		for _, item := range slice {
			select {
			case c.room <- struct{}{}:
			default:
				if err := Send(ctx, asked, first); err != nil {
					return err
				}
				first = nil
				if err := send(ctx, c.room, struct{}{}); err != nil {
					return err
				}
			}
			if c.join(item) {
				first = append(first, item)
			}
		}
		if err := Send(ctx, asked, first); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// join lets item wait for the result of its key, and reports whether it is the first.
func (c *coalescing[In, Out]) join(item In) (first bool) {
	key := c.key(item)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting[key] = append(c.waiting[key], item)
	return len(c.waiting[key]) == 1
}

// gather gives results to those who wait for them.
func (c *coalescing[In, Out]) gather(ctx context.Context, answers <-chan []Out, out chan<- []Answered[In, Out]) error {
	for results := range Slices(ctx, answers) {
		var done []Answered[In, Out]
		for _, result := range results {
			items := c.leave(c.of(result))
			if len(items) == 0 {
				return fmt.Errorf("flow: coalesce: answer to key %q: %w", c.of(result), ErrLane)
			}
			for _, item := range items {
				done = append(done, Answered[In, Out]{Item: item, Result: result})
				<-c.room
			}
		}
		if err := Send(ctx, out, done); err != nil {
			return err
		}
	}
	if left := len(c.room); left > 0 && ctx.Err() == nil {
		return fmt.Errorf("flow: coalesce: %d items without an answer: %w", left, ErrLane)
	}
	return context.Cause(ctx)
}

// leave returns the items that waited for key.
func (c *coalescing[In, Out]) leave(key string) []In {
	c.mu.Lock()
	defer c.mu.Unlock()
	items := c.waiting[key]
	delete(c.waiting, key)
	return items
}
