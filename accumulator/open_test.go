package accumulator_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/accumulator"
)

// Open batches show what is in them, since when, and what will close them.
func TestOpenBatchesAreShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got shipment[string]
		limits := accumulator.Config{MaxItems: 10, MaxWait: time.Minute, PerKey: func(key string) accumulator.Config {
			if key == "a" {
				return accumulator.Config{MaxWeight: 100, MaxIdle: time.Second}
			}
			return accumulator.Config{MaxItems: 10, MaxWait: time.Minute}
		}}
		acc := start(t, accumulator.By(initial, limits).WeighBy(func(s string) int { return len(s) }), got.handle)
		began := time.Now()
		add(t, acc, "b1")
		time.Sleep(500 * time.Millisecond)
		add(t, acc, "a1", "b2", "a22")
		later := time.Now()
		want := []accumulator.OpenBatch{
			{Key: "b", Items: 2, Weight: 4, Opened: began, MaxItems: 10, MaxWait: time.Minute, Due: began.Add(time.Minute)},
			{Key: "a", Items: 2, Weight: 5, Opened: later, MaxWeight: 100, MaxIdle: time.Second, Due: later.Add(time.Second)},
		}
		for most := range 4 {
			if d := cmp.Diff(want[:min(most, 2)], acc.OpenBatches(most), cmp.Transformer("none", func(b []accumulator.OpenBatch) []accumulator.OpenBatch {
				return append([]accumulator.OpenBatch{{}}, b...)
			})); d != "" {
				t.Errorf("%d: %s", most, d)
			}
		}
		mustClose(t, acc)
		if open := acc.OpenBatches(9); len(open) > 0 {
			t.Errorf("%+v", open)
		}
	})
}

// A batch of a Loader is shown, too, and zero values have none.
func TestOpenBatchesOfALoader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := accumulator.NewLoader(t.Context(), accumulator.New[int](accumulator.Config{MaxItems: 2, MaxWait: time.Minute}),
			func(_ context.Context, b accumulator.Batch[int]) ([]accumulator.Result[int], error) {
				return make([]accumulator.Result[int], len(b.Items)), nil
			})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := l.Do(t.Context(), 7)
			done <- err
		}()
		synctest.Wait()
		if open := l.OpenBatches(9); len(open) != 1 || open[0].Items != 1 || open[0].MaxItems != 2 {
			t.Errorf("%+v", open)
		}
		if err := l.Close(t.Context()); err != nil || <-done != nil {
			t.Error(err)
		}
		if len(new(accumulator.Accumulator[int]).OpenBatches(9))+len(new(accumulator.Loader[int, int]).OpenBatches(9)) > 0 {
			t.Error("zero values have open batches")
		}
	})
}
