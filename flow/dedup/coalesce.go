package dedup

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/balerhq/baler/flow"
)

// Answered is an item with the result for it.
type Answered[In, Out any] struct {
	Item   In
	Result Out
}

// Coalesce runs ask once for all items with the same key that are in flight at
// a time, and gives every one of them the result: identical requests share one
// row. of tells the key of the item that a result belongs to. ask must answer
// every item once, in any order: anything else is [flow.ErrUnanswered].
//
// At most limit items are in flight, those that wait for the result of another
// included; more wait outside. limit must exceed what ask gathers before it
// answers. Zero means 65536.
func Coalesce[In, Out any](key func(In) string, of func(Out) string, ask flow.Stage[In, Out], limit int) flow.Stage[In, Answered[In, Out]] {
	if limit == 0 {
		limit = 1 << 16
	}
	return &coalesce[In, Out]{key: key, of: of, ask: ask, limit: limit}
}

// coalesce is the stage of a Coalesce.
type coalesce[In, Out any] struct {
	key   func(In) string
	of    func(Out) string
	ask   flow.Stage[In, Out]
	limit int
}

func (s *coalesce[In, Out]) String() string { return "coalesce" }

func (s *coalesce[In, Out]) Run(ctx context.Context, in <-chan []In, out chan<- []Answered[In, Out]) error {
	if s.limit < 0 {
		return fmt.Errorf("dedup: coalesce: limit %d is negative", s.limit)
	}
	c := coalescing[In, Out]{key: s.key, of: s.of, waiting: map[string][]In{}, room: make(chan struct{}, s.limit)}
	group, ctx := errgroup.WithContext(ctx)
	asked, answers := make(chan []In, 1), make(chan []Out, 1)
	group.Go(func() error {
		defer close(asked)
		return c.feed(ctx, in, asked)
	})
	group.Go(func() error {
		defer close(answers)
		return flow.RunStage(ctx, s.ask, asked, answers)
	})
	group.Go(func() error { return c.gather(ctx, answers, out) })
	return group.Wait()
}

// coalescing is one run of a Coalesce.
type coalescing[In, Out any] struct {
	key  func(In) string
	of   func(Out) string
	room chan struct{} // holds a token for every item in flight

	mu      sync.Mutex
	waiting map[string][]In // by key, for the result
}

// feed passes on the first item of every key. It never holds an item back while
// it waits for room.
func (c *coalescing[In, Out]) feed(ctx context.Context, in <-chan []In, asked chan<- []In) error {
	for slice := range flow.Slices(ctx, in) {
		var first []In
		for _, item := range slice {
			select {
			case c.room <- struct{}{}:
			default:
				if err := flow.Send(ctx, asked, first); err != nil {
					return err
				}
				first = nil
				select {
				case c.room <- struct{}{}:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			if c.join(item) {
				first = append(first, item)
			}
		}
		if err := flow.Send(ctx, asked, first); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// join lets item wait for the result of its key, and reports whether it is the
// first.
func (c *coalescing[In, Out]) join(item In) (first bool) {
	key := c.key(item)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting[key] = append(c.waiting[key], item)
	return len(c.waiting[key]) == 1
}

// gather gives results to those who wait for them.
func (c *coalescing[In, Out]) gather(ctx context.Context, answers <-chan []Out, out chan<- []Answered[In, Out]) error {
	for results := range flow.Slices(ctx, answers) {
		var done []Answered[In, Out]
		for _, result := range results {
			items := c.leave(c.of(result))
			if len(items) == 0 {
				return fmt.Errorf("dedup: coalesce: answer to key %q: %w", c.of(result), flow.ErrUnanswered)
			}
			for _, item := range items {
				done = append(done, Answered[In, Out]{Item: item, Result: result})
				<-c.room
			}
		}
		if err := flow.Send(ctx, out, done); err != nil {
			return err
		}
	}
	if left := len(c.room); left > 0 && ctx.Err() == nil {
		return fmt.Errorf("dedup: coalesce: %d items without an answer: %w", left, flow.ErrUnanswered)
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
