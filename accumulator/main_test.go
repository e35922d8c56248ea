package accumulator_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/accumulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBoom = errors.New("boom")

// shipment records the batches a handler got.
type shipment[T any] struct {
	mu      sync.Mutex
	batches []accumulator.Batch[T]
}

func (s *shipment[T]) handle(_ context.Context, b accumulator.Batch[T]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, b)
	return nil
}

func (s *shipment[T]) take() []accumulator.Batch[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.batches
	s.batches = nil
	return got
}

func (s *shipment[T]) items() [][]T {
	var all [][]T
	for _, b := range s.take() {
		all = append(all, b.Items)
	}
	return all
}

func start[T any](t *testing.T, s accumulator.Stage[T], handle func(context.Context, accumulator.Batch[T]) error) *accumulator.Accumulator[T] {
	t.Helper()
	acc, err := s.Start(t.Context(), handle)
	if err != nil {
		t.Fatal(err)
	}
	return acc
}

func add[T any](t *testing.T, acc *accumulator.Accumulator[T], vs ...T) {
	t.Helper()
	for _, v := range vs {
		if err := acc.Add(t.Context(), v); err != nil {
			t.Errorf("Add(%v): %v", v, err)
		}
	}
}

func mustClose[T any](t *testing.T, acc *accumulator.Accumulator[T]) {
	t.Helper()
	if left, err := acc.Close(t.Context()); err != nil || left != nil {
		t.Errorf("Close returned %v and %v, want nothing undelivered", left, err)
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
