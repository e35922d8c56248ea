package accumulator_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/accumulator"
)

func TestWhatAProducerHoldsLeavesOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wait = time.Minute
		var got shipment[int]
		acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 100, MaxWait: wait}), got.handle)
		early, late := acc.Producer(), acc.Producer()
		for i := range 3 {
			if err := early.Add(t.Context(), i); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if err := late.Add(t.Context(), 3); err != nil {
			t.Fatal(err)
		}
		add(t, acc, 4) // opens the batch, after the producers took their first items
		time.Sleep(wait - 3*time.Second)
		synctest.Wait()
		batches := got.take()
		if len(batches) != 1 || batches[0].Reason != accumulator.ReasonAge || batches[0].Age() != wait ||
			!cmp.Equal(batches[0].Items, []int{4, 0, 1, 2}) {
			t.Fatalf("got %+v, want 4 and what the early producer held, by age at %v", batches, wait)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if batches = got.take(); len(batches) != 1 || batches[0].Age() != wait || !cmp.Equal(batches[0].Items, []int{3}) {
			t.Fatalf("got %+v, want what the late producer held, %v old", batches, wait)
		}
		mustClose(t, acc)
	})
}

func TestFlushReachesIntoProducers(t *testing.T) {
	var got shipment[int]
	acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 200}), got.handle)
	p := acc.Producer()
	for i := range 90 { // more than it holds
		if err := p.Add(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	if err := acc.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b := got.take(); len(b) != 1 || len(b[0].Items) != 90 || b[0].Reason != accumulator.ReasonFlush {
		t.Errorf("got %v, want 90 items by flush", b)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := p.Add(t.Context(), 1); !errors.Is(err, accumulator.ErrClosed) {
		t.Errorf("Add to a closed handle: %v, want ErrClosed", err)
	}
	mustClose(t, acc)
}

func TestAProducerWaitsAndKeepsItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var items []int
		acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 10, MaxPending: 1, MaxWait: time.Second}),
			func(_ context.Context, b accumulator.Batch[int]) error {
				<-release
				items = append(items, b.Items...)
				return nil
			})
		p := acc.Producer()
		taken := 0
		for ; taken < 1000; taken++ {
			if err := p.Add(within(t, time.Minute), taken); err != nil {
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				break
			}
		}
		if taken != 19 { // 10 with the handler, 9 in the handle
			t.Errorf("%d items were taken before Add had to wait, want 19", taken)
		}
		if err := p.Close(within(t, time.Second)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close of the producer: %v, want the end of its context", err)
		}
		close(release)
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
		mustClose(t, acc)
		for i, v := range items {
			if i != v {
				t.Fatalf("item %d arrived as number %d", v, i)
			}
		}
		if len(items) != taken {
			t.Errorf("%d items arrived, want %d", len(items), taken)
		}
	})
}

func TestAProducerOfAKeyedAccumulatorAddsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got shipment[string]
		acc := start(t, accumulator.By(initial, accumulator.Config{MaxItems: 2}), got.handle)
		p := acc.Producer()
		for _, v := range []string{"a1", "b1", "a2"} {
			if err := p.Add(t.Context(), v); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if d := cmp.Diff([]string{"a size [a1 a2]"}, describe(got.take())); d != "" {
			t.Error(d)
		}
		mustClose(t, acc)
	})
}

func TestAProducerShipsAWholeBatchAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wait = time.Minute
		var got shipment[int]
		acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 3, MaxWait: wait}), got.handle)
		p := acc.Producer()
		addTo(t, p, 1)
		time.Sleep(time.Second)
		addTo(t, p, 2, 3)
		synctest.Wait()
		b := got.take()
		if len(b) != 1 || b[0].Reason != accumulator.ReasonSize || b[0].Age() != time.Second || !cmp.Equal(b[0].Items, []int{1, 2, 3}) {
			t.Errorf("got %+v, want three items by size, a second old", b)
		}
		if s := acc.Stats(); s.Items != 3 || s.Batches != 1 || s.Fill != 1 || s.Open != 0 {
			t.Errorf("stats %+v, want one full batch of 3 and none open", s)
		}
		mustClose(t, acc)
	})
}

func TestAProducerDoesNotOvertakeAnOpenBatch(t *testing.T) {
	for name, before := range map[string]func(*testing.T, *accumulator.Accumulator[int]){
		"added directly": func(t *testing.T, acc *accumulator.Accumulator[int]) {
			t.Helper()
			add(t, acc, 0)
		},
		"left by an earlier handle": func(t *testing.T, acc *accumulator.Accumulator[int]) {
			t.Helper()
			p := acc.Producer()
			addTo(t, p, 0)
			if err := p.Close(t.Context()); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got shipment[int]
			acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 3}), got.handle)
			before(t, acc)
			p := acc.Producer()
			addTo(t, p, 1, 2, 3, 4)
			mustClose(t, acc)
			if d := cmp.Diff([][]int{{0, 1, 2}, {3, 4}}, got.items()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAProducerOfSingleItems(t *testing.T) {
	var got shipment[int]
	acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 1}), got.handle)
	p := acc.Producer()
	addTo(t, p, 1, 2)
	mustClose(t, acc)
	if d := cmp.Diff([][]int{{1}, {2}}, got.items()); d != "" {
		t.Error(d)
	}
}

// TestProducersAddWhileOthersMoveTheirItems lets Flush and the clock reach into
// handles at any point of an Add.
func TestProducersAddWhileOthersMoveTheirItems(t *testing.T) {
	const producers, each = 4, 3000
	for _, most := range []int{1, 7, 100, 1000} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			got := newSequence(t, producers)
			acc := start(t, accumulator.New[item](accumulator.Config{MaxItems: most, MaxWait: time.Microsecond}), got.handle(most))
			var wg sync.WaitGroup
			for i := range producers {
				wg.Go(func() {
					p := acc.Producer()
					for n := range each {
						addTo(t, p, item{i, n})
					}
				})
			}
			for range 100 {
				if err := acc.Flush(t.Context()); err != nil {
					t.Error(err)
				}
			}
			wg.Wait()
			mustClose(t, acc)
			got.check(each)
		})
	}
}

func addTo[T any](t *testing.T, p *accumulator.Producer[T], vs ...T) {
	t.Helper()
	for _, v := range vs {
		if err := p.Add(t.Context(), v); err != nil {
			t.Errorf("Add(%v): %v", v, err)
		}
	}
}
