package accumulator_test

import (
	"context"
	"testing"

	"github.com/balerhq/baler/accumulator"
)

// item is the one of number n from a producer that numbers its items.
type item struct{ producer, n int }

// sequence checks that the items of each producer arrive once and in order.
type sequence struct {
	t    *testing.T
	next []int // by producer
}

func newSequence(t *testing.T, producers int) *sequence {
	t.Helper()
	return &sequence{t, make([]int, producers)}
}

// handle is for one worker.
func (s *sequence) handle(most int) func(context.Context, accumulator.Batch[item]) error {
	return func(_ context.Context, b accumulator.Batch[item]) error {
		if len(b.Items) == 0 || len(b.Items) > most {
			s.t.Errorf("batch of %d items", len(b.Items))
		}
		for _, v := range b.Items {
			if v.n != s.next[v.producer] {
				s.t.Errorf("producer %d: got item %d, want %d", v.producer, v.n, s.next[v.producer])
			}
			s.next[v.producer]++
		}
		b.Release()
		return nil
	}
}

func (s *sequence) check(each int) {
	s.t.Helper()
	for p, n := range s.next {
		if n != each {
			s.t.Errorf("producer %d: %d items arrived, want %d", p, n, each)
		}
	}
}
