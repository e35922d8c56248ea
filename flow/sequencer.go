package flow

import (
	"context"
	"sync"
)

// sequencer sends the results of concurrent workers: in the order of their
// places, or as they come.
type sequencer[T any] struct {
	out       chan<- []T
	unordered bool
	window    chan struct{} // holds a token for every place that is not sent yet

	mu      sync.Mutex
	head    int         // the place to be sent next
	waiting map[int][]T // results after the head, at most cap(window)
}

func newSequencer[T any](out chan<- []T, c Concurrency) *sequencer[T] {
	return &sequencer[T]{
		out: out, unordered: c.Unordered, window: make(chan struct{}, 4*c.Workers), waiting: map[int][]T{},
	}
}

// deliver takes the results that a worker made of the item at place. The worker
// that delivers the head also sends the results that have waited for it.
func (s *sequencer[T]) deliver(ctx context.Context, place int, made []T) error {
	if s.unordered {
		<-s.window
		return Send(ctx, s.out, made)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[place] = made
	var ready []T
	for made, ok := s.waiting[s.head]; ok; made, ok = s.waiting[s.head] {
		ready = append(ready, made...)
		delete(s.waiting, s.head)
		s.head++
		<-s.window
	}
	return Send(ctx, s.out, ready) // under the lock: the order is decided here, and others have to wait for room anyway
}
