package queue

import (
	"context"
	"errors"
	"slices"
)

var errRunning = errors.New("queue: Run is running already")

// Run makes the queue a stage of a pipeline: it takes slices from in and sends
// the most urgent items to out whenever the next stage is ready, in slices of
// at most [Config.Slice]. While the next stage is busy, items wait inside,
// where a later one may overtake them, up to the moment their slice is taken.
// Nothing lingers: what has come in is on offer at once.
//
// Run takes a whole slice when there is room for its first item, so a queue
// may exceed its capacity by the rest of one slice. When in is closed it
// delivers what is left and returns nil. A done ctx ends it at once with the
// cause; what was not delivered stays in the queue. If the queue is closed
// before in is, Run delivers what is left and returns [ErrClosed]. An item
// with an id that waits already ends it with [ErrDuplicate].
//
// All other methods may be used meanwhile. Remove, Update and Position do not
// find the items of the slice on offer. Only one Run at a time.
func (q *Queue[T]) Run(ctx context.Context, in <-chan []T, out chan<- []T) error {
	s := stage[T]{Queue: q, in: in, out: out, stop: q.ended}
	if err := s.begin(); err != nil {
		return err
	}
	defer s.end()
	for {
		s.offer()
		if s.in == nil && len(s.slice) == 0 {
			return s.last
		}
		if ctx.Err() != nil { // select would choose at random
			return context.Cause(ctx)
		}
		if err := s.step(ctx); err != nil {
			return err
		}
	}
}

// stage is the state of one Run.
type stage[T any] struct {
	*Queue[T]
	in     <-chan []T // nil once at its end
	out    chan<- []T
	stop   <-chan struct{} // nil once seen
	last   error           // to return when everything is delivered
	full   bool
	slice  []T     // on offer
	places []place // where its items stood
}

func (s *stage[T]) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return s.err
	case s.running:
		return errRunning
	}
	s.running = true
	return nil
}

func (s *stage[T]) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.withdraw()
	s.running = false
	s.signal()
}

// step waits for one thing to happen. A nil channel never does.
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
	case <-s.nudged:
		s.reconsider()
	case <-s.stop:
		s.stop = nil
		if s.in != nil {
			s.in, s.last = nil, ErrClosed
		}
	}
	return nil
}

// receive puts the items in their places. If one of them overtakes the slice
// on offer, that is made anew.
func (s *stage[T]) receive(items []T, ok bool) error {
	if !ok {
		s.in = nil
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order.tick()
	overtaken := false
	for _, v := range items {
		p, err := s.place(v)
		if err != nil {
			return err
		}
		overtaken = overtaken || len(s.places) > 0 && p.less(s.places[len(s.places)-1])
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
	s.order.tick()
	n := min(s.order.len(), s.cfg.Slice-len(s.slice))
	if s.slice == nil && n > 0 {
		s.slice = make([]T, 0, n)
	}
	for range n {
		s.slice = append(s.slice, *s.order.head())
		s.places = append(s.places, s.order.pop())
		s.index.lease(s.slice[len(s.slice)-1])
	}
	s.leased += n
	s.full = s.held() >= s.cfg.Capacity
	s.signal()
}

// withdraw puts the slice on offer back into the queue.
func (s *stage[T]) withdraw() {
	for i, v := range slices.Backward(s.slice) {
		s.order.restore(s.places[i], v)
		s.index.moved(v, s.places[i])
	}
	clear(s.slice)
	s.leased -= len(s.slice)
	s.slice, s.places = s.slice[:0], s.places[:0]
}

// sent follows the delivery of the slice, which now belongs to the receiver.
func (s *stage[T]) sent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index.sent()
	s.leased -= len(s.slice)
	s.slice, s.places = nil, s.places[:0]
}

// reconsider follows a change from outside.
func (s *stage[T]) reconsider() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.withdraw()
}
