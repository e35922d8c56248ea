package accumulator

import (
	"context"
	"errors"
	"testing"
)

// TestOvertakingEnds has somebody sleep at the gate who never wakes up.
func TestOvertakingEnds(t *testing.T) {
	a, err := New[int](Config{MaxItems: 1, MaxPending: 1}).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	a.gate <- struct{}{}
	a.waiting.Add(1)
	n := 0
	for ; n < 10*overtakes; n++ {
		if err = a.Add(impatient, n); err != nil {
			break
		}
		a.deliver(a.next(), func(Batch[int]) error { return nil })
	}
	if n != overtakes || !errors.Is(err, context.Canceled) {
		t.Errorf("%d batches were opened past the one who waits, then: %v; want %d", n, err, overtakes)
	}
	<-a.gate
	a.waiting.Add(-1)
	if err := a.Add(t.Context(), n); err != nil {
		t.Error(err)
	}
	a.deliver(a.next(), func(Batch[int]) error { return nil })
	if left, err := a.Close(t.Context()); err != nil || left != nil {
		t.Errorf("Close: %v, %v", left, err)
	}
}
