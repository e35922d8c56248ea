package accumulator_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/accumulator"
)

func TestALoopTakesBatchesUntilClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		acc, err := accumulator.New[int](accumulator.Config{MaxItems: 2}).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var items []int
		done := make(chan struct{})
		go func() {
			defer close(done)
			for b := range acc.Batches() { // left and entered again
				items = append(items, b.Items...)
				break
			}
			for b := range acc.Batches() {
				items = append(items, b.Items...)
			}
		}()
		for i := range 20 {
			add(t, acc, i)
		}
		if err := acc.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		add(t, acc, 20)
		mustClose(t, acc)
		<-done
		if len(items) != 21 || !slices.IsSorted(items) {
			t.Errorf("got %v, want 0 to 20", items)
		}
	})
}

func TestSeveralLoopsShareTheBatches(t *testing.T) {
	acc, err := accumulator.New[int](accumulator.Config{MaxItems: 3}).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got shipment[int]
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for b := range acc.Batches() {
				_ = got.handle(t.Context(), b)
			}
		})
	}
	for i := range 1000 {
		add(t, acc, i)
	}
	mustClose(t, acc)
	wg.Wait()
	all := slices.Concat(got.items()...)
	slices.Sort(all)
	if len(all) != 1000 || len(slices.Compact(all)) != 1000 {
		t.Errorf("%d items arrived, %d of them different", len(all), len(slices.Compact(all)))
	}
}

func TestWithoutALoopCloseReturnsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		acc, err := accumulator.New[int](accumulator.Config{MaxItems: 2}).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		add(t, acc, 1, 2, 3)
		left, err := acc.Close(within(t, time.Second))
		if err == nil || len(left) != 2 || !cmp.Equal(left[1].Items, []int{3}) {
			t.Errorf("Close: %v, %v", left, err)
		}
	})
}

func TestABatchWhoseLoopPanickedComesBack(t *testing.T) {
	acc, err := accumulator.New[int](accumulator.Config{MaxItems: 1}).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	add(t, acc, 1)
	func() {
		defer func() { _ = recover() }()
		for range acc.Batches() {
			panic(errBoom)
		}
	}()
	left, err := acc.Close(t.Context())
	if err == nil || errors.Is(err, accumulator.ErrClosed) || len(left) != 1 {
		t.Errorf("Close: %v, %v, want the batch back and an error", left, err)
	}
}

func TestReleaseReusesMemoryOnce(t *testing.T) {
	buf, err := accumulator.NewBuffer[int](accumulator.Config{MaxItems: 3})
	if err != nil {
		t.Fatal(err)
	}
	fill := func(v int) accumulator.Batch[int] {
		t.Helper()
		for range 3 {
			if !buf.Add(v, 0, time.Time{}) {
				t.Fatal("refused")
			}
		}
		b, ok := buf.Flush(time.Time{})
		if !ok {
			t.Fatal("empty")
		}
		return b
	}
	first := fill(1)
	copied, memory := first, &first.Items[0]
	first.Release()
	second := fill(2)
	if &second.Items[0] != memory {
		t.Error("the released memory was not used again")
	}
	copied.Release() // must not release the second batch
	if third := fill(3); &third.Items[0] == memory || !cmp.Equal(second.Items, []int{2, 2, 2}) {
		t.Errorf("a second Release gave away the memory of another batch: %v", second.Items)
	}
	var zero accumulator.Batch[int]
	zero.Release()
}
