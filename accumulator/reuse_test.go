package accumulator

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// sleeper returns an Accumulator with somebody at the gate who never wakes up,
// and a function that adds one item as one of many, which makes a batch, and
// delivers it. It needs a synctest bubble.
func sleeper(t *testing.T) (a *Accumulator[int], add func() error) {
	t.Helper()
	a, err := New[int](Config{MaxItems: 1, MaxPending: 1}).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a.gate <- struct{}{}
	a.waiting.Add(1)
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	return a, func() error {
		_, err := a.AddMany(impatient, []int{1})
		if err == nil {
			a.delivered(a.deliver(a.next(nil), func(context.Context, Batch[int]) error { return nil }))
		}
		return err
	}
}

func closeEmpty(t *testing.T, a *Accumulator[int]) {
	t.Helper()
	if left, err := a.Close(t.Context()); err != nil || left != nil {
		t.Errorf("Close: %v, %v", left, err)
	}
}

func TestOvertakingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, add := sleeper(t)
		defer closeEmpty(t, a)
		var err error
		n := 0
		for ; n < 10*overtakes; n++ {
			if err = add(); err != nil {
				break
			}
		}
		if n != overtakes || !errors.Is(err, context.Canceled) {
			t.Errorf("%d batches were opened past the one who waits, then: %v; want %d", n, err, overtakes)
		}
		<-a.gate
		if err := a.await(t.Context(), nil, func() error { return nil }); err != nil {
			t.Error(err)
		}
		a.waiting.Add(1) // await has counted the sleeper out
		a.gate <- struct{}{}
		if err := add(); err != nil {
			t.Errorf("after somebody who waited got through: %v", err)
		}
	})
}

// A caller that adds item by item takes turns with waiting callers.
func TestSingleItemsDoNotOvertake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, addMany := sleeper(t)
		defer closeEmpty(t, a)
		impatient, cancel := context.WithCancel(t.Context())
		cancel()
		if err := a.Add(impatient, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("a single item: %v, want to wait", err)
		}
		if err := addMany(); err != nil {
			t.Errorf("many at a time: %v", err)
		}
	})
}
