package durable

import (
	"context"
	"sync"
)

// slots bound how many batches are open. Those of routes for items near their
// deadline have slots of their own, so that they wait for no other batch.
type slots struct {
	usual, urgent chan struct{}

	mu   sync.Mutex
	held map[string]chan struct{} // by tag
}

func (s *slots) init(n int) {
	s.usual, s.urgent, s.held = make(chan struct{}, n), make(chan struct{}, n), make(map[string]chan struct{})
}

// acquire takes a slot for a batch, unless it has one.
func (s *slots) acquire(ctx context.Context, tag string, urgent bool) error {
	if s.has(tag) {
		return nil
	}
	places := s.places(urgent)
	if err := acquire(ctx, places); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[tag] = places
	return nil
}

func (s *slots) places(urgent bool) chan struct{} {
	if urgent {
		return s.urgent
	}
	return s.usual
}

// regain takes a slot for a batch that has lost its own, if one is free.
func (s *slots) regain(tag string, urgent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	places := s.places(urgent)
	if s.held[tag] != nil {
		return
	}
	select {
	case places <- struct{}{}:
		s.held[tag] = places
	default:
	}
}

func (s *slots) has(tag string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[tag] != nil
}

// release gives back the slot of a batch, if it has one.
func (s *slots) release(tag string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if places := s.held[tag]; places != nil {
		delete(s.held, tag)
		<-places
	}
}
