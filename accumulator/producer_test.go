package accumulator_test

import (
	"context"
	"errors"
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
		if len(batches) != 1 || batches[0].Reason != accumulator.Age || batches[0].Age() != wait ||
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
	if b := got.take(); len(b) != 1 || len(b[0].Items) != 90 || b[0].Reason != accumulator.Flush {
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
