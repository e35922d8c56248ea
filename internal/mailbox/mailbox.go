// Package mailbox connects a goroutine that produces single items to one that
// sends them in slices.
package mailbox

import (
	"context"
	"slices"
	"sync"
)

// MaxSlice is how many items a slice holds at most. Larger slices cost more
// memory and cache and hardly save time: see bench/README.md.
const MaxSlice = 128

// A Push hands a slice on to whoever comes next. It takes the slice, and
// returns memory for another: what it took, when nobody needs that any more, or
// what it took earlier, or nil. So slices go round, and a fast stream allocates
// none. What is left of old items in the memory is up to the caller: see
// [Vacate].
type Push[T any] func(ctx context.Context, slice []T) (spare []T, err error)

// Vacate makes room of a spare slice: empty, and without what the old items
// point to.
func Vacate[T any](spare []T) []T {
	clear(spare[:cap(spare)])
	return spare[:0]
}

// Mailbox lies between the goroutine that produces single items and the one
// that sends slices. The sender takes what there is whenever the next stage can
// take more. So a slow source sends slices of one and a fast one slices of up
// to MaxSlice, without a timer, and no item waits in a buffer that only the
// producer could empty.
type Mailbox[T any] struct {
	limit int           // how many full slices it holds at most
	wake  chan struct{} // of capacity 1: there is something to take; closed by the producer
	room  chan struct{} // of capacity 1: the producer, which found the box full, may go on

	mu    sync.Mutex
	items []T   // the last ones put
	queue [][]T // full slices, the oldest first
	idle  [][]T // empty ones
	full  bool  // the producer waits for room
	taken int   // how many items were taken last: likely as many come next
}

// New returns a Mailbox that holds at most limit full slices. With fewer than 8
// the goroutines of a fast stream take turns on one processor instead of using
// several.
func New[T any](limit int) *Mailbox[T] {
	return &Mailbox[T]{limit: limit, wake: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// Put adds an item; while the box is full it waits, as long as patience is not
// done. Then it returns context.Cause(ctx): a producer whose ctx is done may
// stop, but what it had in hand is in the box. It is one function, without
// defer, because it runs for every item of a pipeline.
func (m *Mailbox[T]) Put(ctx, patience context.Context, item *T) error {
	for {
		m.mu.Lock()
		n := len(m.items)
		if n < MaxSlice || m.turn() {
			m.items = append(m.items, *item)
			m.mu.Unlock()
			if n == 0 {
				m.notify()
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return nil
		}
		m.full = true
		m.mu.Unlock()
		if _, ok := Receive(patience, m.room); !ok {
			return context.Cause(patience)
		}
	}
}

// Close ends the input. Only the producer may call it, once, and put nothing
// more.
func (m *Mailbox[T]) Close() { close(m.wake) }

// turn puts the last slice, which is full, into the queue if there is room for
// it, and begins another.
func (m *Mailbox[T]) turn() bool {
	if len(m.queue) >= m.limit {
		return false
	}
	m.queue = append(m.queue, m.items)
	m.items = m.fresh()
	return true
}

// fresh returns an empty slice.
func (m *Mailbox[T]) fresh() []T {
	last := len(m.idle) - 1
	if last < 0 {
		return make([]T, 0, min(max(m.taken, 1), MaxSlice))
	}
	slice := m.idle[last]
	m.idle = m.idle[:last]
	return slice
}

func (m *Mailbox[T]) notify() {
	select {
	case m.wake <- struct{}{}:
	default: // it has been told
	}
}

// take returns the oldest slice, if there is one, and may leave an empty one
// for the producer.
func (m *Mailbox[T]) take(empty []T) []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	if cap(empty) > 0 {
		m.idle = append(m.idle, empty)
	}
	items := m.items
	if len(m.queue) > 0 {
		items = m.queue[0]
		m.queue = slices.Delete(m.queue, 0, 1)
	} else if len(items) > 0 {
		m.taken = len(items)
		m.items = m.fresh()
	}
	if m.full {
		m.full = false
		m.room <- struct{}{}
	}
	return items
}

// Send pushes what is put until the producer has closed the box.
func (m *Mailbox[T]) Send(ctx context.Context, to Push[T]) error {
	for open := true; open; {
		_, open = Receive(ctx, m.wake)
		var spare []T
		for items := m.take(nil); len(items) > 0; items = m.take(Vacate(spare)) {
			var err error
			if spare, err = to(ctx, items); err != nil {
				return err
			}
		}
	}
	return context.Cause(ctx)
}

// Receive receives from in unless ctx is done. It tries without ctx first: a
// select of two cases costs several times a plain receive.
func Receive[T any](ctx context.Context, in <-chan T) (v T, ok bool) {
	select {
	case v, ok = <-in:
		return v, ok
	default:
	}
	select {
	case v, ok = <-in:
	case <-ctx.Done():
	}
	return v, ok
}
