package accumulator_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/balerhq/baler/accumulator"
)

// A handle that is closed, or whose Accumulator is, takes nothing, whatever way
// its items go.
func TestNoProducerAddsAfterClose(t *testing.T) {
	cfg := accumulator.Config{MaxItems: 200}
	byKey := func(v int) string { return strconv.Itoa(v % 2) }
	weight := func(int) int { return 1 }
	for mode, stage := range map[string]accumulator.Stage[int]{
		"plain":    accumulator.New[int](cfg),
		"single":   accumulator.New[int](accumulator.Config{MaxItems: 1}),
		"keyed":    accumulator.By(byKey, cfg),
		"weighed":  accumulator.New[int](accumulator.Config{MaxItems: 200, MaxWeight: 1000}).WeighBy(weight),
		"max idle": accumulator.New[int](accumulator.Config{MaxItems: 200, MaxIdle: time.Hour}),
	} {
		for before := range 4 { // items that the handle may hold
			t.Run(mode+" "+strconv.Itoa(before), func(t *testing.T) {
				var got shipment[int]
				acc := start(t, stage, got.handle)
				closed, open := acc.Producer(), acc.Producer()
				for i := range before {
					for _, p := range []*accumulator.Producer[int]{closed, open} {
						if err := p.Add(t.Context(), i); err != nil {
							t.Fatal(err)
						}
					}
				}
				if err := closed.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				wantClosed(t, closed)
				mustClose(t, acc)
				wantClosed(t, closed)
				wantClosed(t, open)
				items := 0
				for _, b := range got.take() {
					items += len(b.Items)
				}
				if items != 2*before {
					t.Errorf("%d items came out, %d went in", items, 2*before)
				}
			})
		}
	}
}

// After a failure, too: what is undelivered is returned by Close, once.
func TestNoProducerAddsAfterAFailedClose(t *testing.T) {
	boom := errors.New("boom")
	acc := accumulator.New[int](accumulator.Config{MaxItems: 200})
	running, err := acc.Start(t.Context(), func(context.Context, accumulator.Batch[int]) error { return boom })
	if err != nil {
		t.Fatal(err)
	}
	p := running.Producer()
	for i := range 3 {
		if err := p.Add(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := running.Close(t.Context()); !errors.Is(err, boom) || len(left) != 1 || len(left[0].Items) != 3 {
		t.Fatalf("%v, %v", left, err)
	}
	for range 3 {
		if err := p.Add(t.Context(), 9); err == nil {
			t.Error("an item was taken after Close")
		}
	}
}

func wantClosed(t *testing.T, p *accumulator.Producer[int]) {
	t.Helper()
	for range 2 {
		if err := p.Add(t.Context(), 9); !errors.Is(err, accumulator.ErrClosed) {
			t.Errorf("Add after Close: %v, want ErrClosed", err)
		}
	}
}
