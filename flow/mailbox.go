package flow

import (
	"context"
	"sync"
)

// maxSlice is how many items a source gathers at most while the next stage is busy. Larger slices cost more memory and
// cache and hardly save time: see bench/README.md.
const maxSlice = 128

// mailbox lies between the goroutine that produces single items and the one that sends slices. The sender takes what there
// is whenever the next stage can take more. So a slow source sends slices of one and a fast one slices of up to maxSlice,
// without a timer, and no item waits in a buffer that only the producer could empty.
type mailbox[T any] struct {
	limit int           // how many items it holds at most
	wake  chan struct{} // of capacity 1: there is something to take; closed by the producer
	room  chan struct{} // of capacity 1: the producer, which found the box full, may go on

	mu    sync.Mutex
	items []T
	full  bool // the producer waits for room
	taken int  // how many items were taken last: likely as many come next
}

func newMailbox[T any](limit int) *mailbox[T] {
	return &mailbox[T]{limit: limit, wake: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// put adds an item; while the box is full it waits, as long as patience is not done. Then it returns context.Cause(ctx): a
// producer whose ctx is done may stop, but what it had in hand is in the box. It is one function, without defer, because
// it runs for every item of a pipeline.
func (m *mailbox[T]) put(ctx, patience context.Context, item T) error {
	for {
		m.mu.Lock()
		n := len(m.items)
		if n < m.limit {
			if m.items == nil {
				m.items = make([]T, 0, min(max(m.taken, 1), maxSlice))
			}
			m.items = append(m.items, item)
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
		if _, ok := receive(patience, m.room); !ok {
			return context.Cause(patience)
		}
	}
}

func (m *mailbox[T]) notify() {
	select {
	case m.wake <- struct{}{}:
	default: // it has been told
	}
}

// take returns all items.
func (m *mailbox[T]) take() []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	items := m.items
	m.items, m.taken = nil, len(items)
	if m.full {
		m.full = false
		m.room <- struct{}{}
	}
	return items
}

// send sends what is put until the producer is done.
func (m *mailbox[T]) send(ctx context.Context, out chan<- []T) error {
	for open := true; open; {
		_, open = receive(ctx, m.wake)
		if err := Send(ctx, out, m.take()); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}
