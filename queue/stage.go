package queue

import (
	"context"
	"slices"

	"github.com/balerhq/baler/queue/internal/rank"
)

// stage is the state of one Run.
type stage[T any] struct {
	*Queue[T]
	in    <-chan []T // nil once at its end
	out   chan<- []T
	stop  <-chan struct{} // nil once seen
	last  error           // to return when everything is delivered
	full  bool
	slice []T        // on offer
	keys  []rank.Key // of the items of slice
}

func (s *stage[T]) begin() error {
	s.lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return s.err
	case s.running:
		return errRunning
	}
	s.running, s.stop = true, s.ended
	return nil
}

func (s *stage[T]) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.withdraw()
	s.running = false
	s.signal()
}

// step waits for one event. A nil channel is never ready.
func (s *stage[T]) step(ctx context.Context) error {
	in, out := s.in, s.out
	if s.full {
		in = nil
	}
	if len(s.slice) == 0 {
		out = nil
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case items, ok := <-in:
		return s.receive(items, ok)
	case out <- s.slice:
		s.sent()
	case <-s.changed:
		s.reconsider()
	case <-s.stop:
		s.stop = nil
		if s.in != nil {
			s.in, s.last = nil, ErrClosed
		}
	}
	return nil
}

// receive adds items. If one of them overtakes the slice on offer, it withdraws
// that slice, and the next offer makes a new one.
func (s *stage[T]) receive(items []T, ok bool) error {
	if !ok {
		s.in = nil
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order.Tick()
	overtaken := false
	for _, v := range items {
		k, err := s.add(v)
		if err != nil {
			return err
		}
		overtaken = overtaken || len(s.keys) > 0 && k.Less(s.keys[len(s.keys)-1])
	}
	if overtaken {
		s.withdraw()
	}
	return nil
}

// offer fills the slice up with the most urgent items.
func (s *stage[T]) offer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order.Tick()
	n := min(s.order.Len(), s.cfg.Slice-len(s.slice))
	if s.slice == nil && n > 0 {
		s.slice = make([]T, 0, n)
	}
	for range n {
		s.slice = append(s.slice, *s.order.Head())
		s.keys = append(s.keys, s.order.Pop())
		s.index.offer(s.slice[len(s.slice)-1])
	}
	s.offered += n
	s.full = s.occupied() >= s.cfg.Capacity
	s.signal()
}

// withdraw puts the slice on offer back into the queue.
func (s *stage[T]) withdraw() {
	for i, v := range slices.Backward(s.slice) {
		s.order.Restore(s.keys[i], v)
		s.index.moved(v, s.keys[i])
	}
	clear(s.slice)
	s.offered -= len(s.slice)
	s.slice, s.keys = s.slice[:0], s.keys[:0]
}

// sent follows the delivery of the slice, which then belongs to the receiver.
func (s *stage[T]) sent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index.sent()
	s.offered -= len(s.slice)
	s.slice, s.keys = nil, s.keys[:0]
}

// reconsider follows a change from outside: it withdraws the slice on offer.
func (s *stage[T]) reconsider() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.withdraw()
}
