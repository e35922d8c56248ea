package accumulator_test

import (
	"context"
	"sync"
	"testing"

	"github.com/balerhq/baler/accumulator"
)

func TestEveryItemOfEveryProducerArrivesOnceAndInOrder(t *testing.T) {
	const producers, each = 8, 5000
	next := make([]int, producers)
	acc, err := accumulator.New[[2]int](accumulator.Config{MaxItems: 7}).Start(t.Context(),
		func(_ context.Context, b accumulator.Batch[[2]int]) error {
			if len(b.Items) == 0 || len(b.Items) > 7 {
				t.Errorf("batch of %d items", len(b.Items))
			}
			for _, v := range b.Items {
				if v[1] != next[v[0]] {
					t.Errorf("producer %d: got item %d, want %d", v[0], v[1], next[v[0]])
				}
				next[v[0]]++
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := range each {
				if err := acc.Add(t.Context(), [2]int{p, i}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if left, err := acc.Close(t.Context()); err != nil || left != nil {
		t.Fatalf("Close: %v, %v", left, err)
	}
	for p, n := range next {
		if n != each {
			t.Errorf("producer %d: %d items arrived, want %d", p, n, each)
		}
	}
}
