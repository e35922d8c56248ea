package dedup

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

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
func Coalesce[In, Out any](key func(In) string, of func(Out) string, ask flow.Stage[In, Out], limit int) *Coalescer[In, Out] {
	if limit == 0 {
		limit = 1 << 16
	}
	return &Coalescer[In, Out]{key: key, of: of, ask: ask, limit: limit}
}

// Coalescer is the stage of [Coalesce].
type Coalescer[In, Out any] struct {
	key   func(In) string
	of    func(Out) string
	ask   flow.Stage[In, Out]
	limit int

	asked, shared, inFlight atomic.Int64
}

// CoalescerStats is what a [Coalescer] has done so far, and does now.
type CoalescerStats struct {
	Asked    int64 // items that were asked
	Shared   int64 // items that wait, or waited, for the result of another
	InFlight int   // items that have no result yet
}

// Stats returns figures about all Runs of the stage. It may be called at any
// time.
func (s *Coalescer[In, Out]) Stats() CoalescerStats {
	return CoalescerStats{Asked: s.asked.Load(), Shared: s.shared.Load(), InFlight: int(s.inFlight.Load())}
}

// String names the stage.
func (s *Coalescer[In, Out]) String() string { return "coalesce" }

// Run makes a Coalescer a [flow.Stage].
func (s *Coalescer[In, Out]) Run(ctx context.Context, in <-chan []In, out chan<- []Answered[In, Out]) error {
	if s.limit < 0 {
		return fmt.Errorf("dedup: coalesce: limit %d is negative", s.limit)
	}
	if s.key == nil || s.of == nil || s.ask == nil {
		return errors.New("dedup: a Coalescer without keys or a stage: make it with Coalesce")
	}
	c := coalescing[In, Out]{Coalescer: s, waiting: map[string][]In{}, room: make(chan struct{}, s.limit)}
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
	err := group.Wait()
	for _, items := range c.waiting { // of a run that was stopped
		s.inFlight.Add(-int64(len(items)))
	}
	return err
}

// coalescing is one run of a Coalesce.
type coalescing[In, Out any] struct {
	*Coalescer[In, Out]
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
	c.inFlight.Add(1)
	if first = len(c.waiting[key]) == 1; first {
		c.asked.Add(1)
	} else {
		c.shared.Add(1)
	}
	return first
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
	c.inFlight.Add(-int64(len(items)))
	return items
}
