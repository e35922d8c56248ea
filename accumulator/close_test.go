package accumulator_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/accumulator"
)

func TestAddWaitsWhileTooManyBatchesArePending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 2, MaxPending: 2}),
			func(context.Context, accumulator.Batch[int]) error { <-release; return nil })
		add(t, acc, 1, 2, 3, 4)
		if err := acc.Add(within(t, time.Second), 5); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Add with 2 batches pending: %v, want the end of its context", err)
		}
		if n, err := acc.AddMany(within(t, time.Second), []int{5}); n != 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("AddMany with 2 batches pending: %d, %v, want the end of its context", n, err)
		}
		release <- struct{}{}
		if n, err := acc.AddMany(within(t, time.Second), []int{5, 6, 7}); n != 2 || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("AddMany with room for one batch: %d, %v, want 2 taken", n, err)
		}
		close(release)
		mustClose(t, acc)
	})
}

func TestAllWaitingProducersGetTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var items atomic.Int64
		acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 3, MaxPending: 1, MaxWait: time.Minute}),
			func(_ context.Context, b accumulator.Batch[int]) error {
				time.Sleep(time.Second)
				items.Add(int64(len(b.Items)))
				return nil
			})
		for p := range 20 {
			go func() {
				if p%2 == 0 {
					add(t, acc, p)
					return
				}
				h := acc.Producer()
				if err := h.Add(t.Context(), p); err != nil {
					t.Error(err)
				}
				if err := h.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}()
		}
		time.Sleep(2 * time.Minute)
		if n := items.Load(); n != 20 {
			t.Errorf("%d of 20 items were handled", n)
		}
		mustClose(t, acc)
	})
}

func TestFlushDeliversWhatWasAddedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var handled atomic.Int64
		cfg := accumulator.Config{MaxItems: 10, Workers: 3}
		acc := start(t, accumulator.New[int](cfg), func(_ context.Context, b accumulator.Batch[int]) error {
			time.Sleep(time.Duration(b.Items[0]) * time.Second) // later batches overtake earlier ones
			handled.Add(1)
			return nil
		})
		flushed := make(chan error, 3)
		for i := 3; i > 0; i-- {
			add(t, acc, i)
			go func() { flushed <- acc.Flush(t.Context()) }()
			synctest.Wait()
		}
		time.Sleep(3*time.Second - 1)
		if n := handled.Load(); n != 2 || len(flushed) != 0 {
			t.Fatalf("%d batches handled and %d flushes done, want 2 and none: the first batch is still being handled", n, len(flushed))
		}
		time.Sleep(time.Nanosecond)
		for range 3 {
			if err := <-flushed; err != nil {
				t.Error(err)
			}
		}
		if err := acc.Flush(t.Context()); err != nil {
			t.Errorf("Flush of nothing: %v", err)
		}
		add(t, acc, 5)
		if err := acc.Flush(within(t, time.Second)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Flush: %v, want the end of its context", err)
		}
		mustClose(t, acc)
		if n := acc.Stats().Reasons[accumulator.ReasonFlush]; n != 4 || handled.Load() != 4 {
			t.Errorf("%d batches by flush, %d handled, want 4", n, handled.Load())
		}
	})
}

func TestNothingIsTakenAfterClose(t *testing.T) {
	var got shipment[int]
	acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 10}), got.handle)
	p := acc.Producer()
	if err := p.Add(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	mustClose(t, acc)
	if d := cmp.Diff([][]int{{1}}, got.items()); d != "" {
		t.Error(d)
	}
	_, many := acc.AddMany(t.Context(), []int{1})
	_, again := acc.Close(t.Context())
	for what, err := range map[string]error{
		"Add":          acc.Add(t.Context(), 1),
		"AddMany":      many,
		"Producer.Add": p.Add(t.Context(), 1),
		"Flush":        acc.Flush(t.Context()),
		"second Close": again,
	} {
		if !errors.Is(err, accumulator.ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", what, err)
		}
	}
}

func TestCloseWakesThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 1, MaxPending: 1}),
			func(context.Context, accumulator.Batch[int]) error { time.Sleep(time.Hour); return nil })
		add(t, acc, 1)
		refused := make(chan error, 5)
		for range 5 {
			go func() { refused <- acc.Add(t.Context(), 2) }()
		}
		synctest.Wait()
		go mustClose(t, acc)
		synctest.Wait()
		if len(refused) != 5 {
			t.Fatalf("%d of 5 waiting producers were woken by Close", len(refused))
		}
		for range 5 {
			if err := <-refused; !errors.Is(err, accumulator.ErrClosed) {
				t.Error(err)
			}
		}
		time.Sleep(time.Hour)
		synctest.Wait()
	})
}

func TestCloseReturnsWhatItCouldNotDeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 2, MaxPending: 2}),
			func(ctx context.Context, _ accumulator.Batch[int]) error {
				<-ctx.Done()
				return context.Cause(ctx)
			})
		add(t, acc, 1, 2, 3, 4)
		go func() { _ = acc.Add(t.Context(), 5) }() // waits, and is refused
		p := acc.Producer()
		if err := p.Add(t.Context(), 6); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		left, err := acc.Close(within(t, time.Second))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: %v, want the end of its context", err)
		}
		var items [][]int
		for _, b := range left {
			items = append(items, b.Items)
		}
		if d := cmp.Diff([][]int{{1, 2}, {3, 4}, {6}}, items); d != "" {
			t.Error(d)
		}
	})
}

func TestAFailedHandlerStopsEverythingAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 2}),
			func(_ context.Context, b accumulator.Batch[int]) error {
				if b.Items[0] == 3 {
					time.Sleep(time.Second)
					return errBoom
				}
				return nil
			})
		add(t, acc, 1, 2, 3, 4, 5, 6, 7)
		time.Sleep(time.Second)
		synctest.Wait()
		if err := acc.Add(t.Context(), 8); !errors.Is(err, errBoom) {
			t.Errorf("Add: %v, want the error of the handler", err)
		}
		if err := acc.Flush(t.Context()); !errors.Is(err, errBoom) {
			t.Errorf("Flush: %v, want the error of the handler", err)
		}
		left, err := acc.Close(t.Context())
		if !errors.Is(err, errBoom) {
			t.Errorf("Close: %v, want the error of the handler", err)
		}
		var items [][]int
		for _, b := range left {
			items = append(items, b.Items)
		}
		if d := cmp.Diff([][]int{{3, 4}, {5, 6}, {7}}, items); d != "" {
			t.Error(d)
		}
	})
}

func TestAHandlerThatFailsDuringFlushAndCloseIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := func(context.Context, accumulator.Batch[int]) error { time.Sleep(time.Nanosecond); return errBoom }
		flushed := start(t, accumulator.New[int](accumulator.Config{MaxItems: 2}), fail)
		add(t, flushed, 1)
		if err := flushed.Flush(t.Context()); !errors.Is(err, errBoom) {
			t.Errorf("Flush: %v", err)
		}
		closed := start(t, accumulator.New[int](accumulator.Config{MaxItems: 2}), fail)
		add(t, closed, 1)
		for _, acc := range []*accumulator.Accumulator[int]{flushed, closed} {
			left, err := acc.Close(t.Context())
			if !errors.Is(err, errBoom) || len(left) != 1 {
				t.Errorf("Close: %v, %v", left, err)
			}
		}
	})
}

func TestCloseReportsAHandlerThatFailsWhileItEmptiesProducers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 2, MaxPending: 1}),
			func(context.Context, accumulator.Batch[int]) error { time.Sleep(time.Second); return errBoom })
		p := acc.Producer()
		if err := p.Add(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		add(t, acc, 2, 3) // being handled; no batch may open for what p holds
		left, err := acc.Close(t.Context())
		if !errors.Is(err, errBoom) || len(left) != 2 {
			t.Errorf("Close: %v, %v, want both batches and the error of the handler", left, err)
		}
	})
}

func TestAHandlerThatNeverReturnsIsAFailure(t *testing.T) {
	acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 1}),
		func(context.Context, accumulator.Batch[int]) error { runtime.Goexit(); return nil })
	add(t, acc, 1)
	if left, err := acc.Close(t.Context()); len(left) != 1 || err == nil {
		t.Errorf("Close: %v, %v, want the batch back", left, err)
	}
}

func TestAReleasedBatchIsNotReturned(t *testing.T) {
	acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 1}),
		func(_ context.Context, b accumulator.Batch[int]) error { b.Release(); return errBoom })
	add(t, acc, 1)
	left, err := acc.Close(t.Context())
	if !errors.Is(err, errBoom) || len(left) != 1 || left[0].Items != nil {
		t.Errorf("Close: %v, %v, want a batch without its items", left, err)
	}
}

func TestTheEndOfItsContextStopsAnAccumulator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		var got shipment[int]
		acc, err := accumulator.New[int](accumulator.Config{MaxItems: 10}).Start(ctx, got.handle)
		if err != nil {
			t.Fatal(err)
		}
		add(t, acc, 1, 2)
		cancel(errBoom)
		synctest.Wait()
		if err := acc.Add(t.Context(), 3); !errors.Is(err, errBoom) {
			t.Errorf("Add: %v, want the cause", err)
		}
		left, err := acc.Close(t.Context())
		if !errors.Is(err, errBoom) || len(left) != 1 || !cmp.Equal(left[0].Items, []int{1, 2}) {
			t.Errorf("Close: %v, %v, want the open batch and the cause", left, err)
		}
	})
}
