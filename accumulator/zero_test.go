package accumulator_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/accumulator"
)

// A zero value that cannot work names the function that makes one that can.
func TestZeroValuesNameTheirConstructor(t *testing.T) {
	t.Parallel()
	var (
		acc      accumulator.Accumulator[int]
		producer accumulator.Producer[int]
		stage    accumulator.Stage[int]
		loader   accumulator.Loader[int, int]
	)
	const ofAccumulator = "Stage.Start or Stage.Open"
	for name, test := range map[string]struct {
		names string
		use   func(ctx context.Context) error
	}{
		"Buffer.Add": {"NewBuffer", func(context.Context) error {
			var b accumulator.Buffer[int]
			b.Add(1, 0, time.Time{})
			return nil
		}},
		"Stage.Run": {"New or By", func(ctx context.Context) error {
			in := make(chan []int, 1)
			in <- []int{1}
			close(in)
			return stage.Run(ctx, in, make(chan []accumulator.Batch[int], 1))
		}},
		"Stage.Open":           {"New or By", func(ctx context.Context) error { return second(stage.Open(ctx)) }},
		"Accumulator.Add":      {ofAccumulator, func(ctx context.Context) error { return acc.Add(ctx, 1) }},
		"Accumulator.AddMany":  {ofAccumulator, func(ctx context.Context) error { return second(acc.AddMany(ctx, []int{1})) }},
		"Accumulator.Producer": {ofAccumulator, func(ctx context.Context) error { return acc.Producer().Add(ctx, 1) }},
		"Accumulator.Flush":    {ofAccumulator, acc.Flush},
		"Accumulator.Close":    {ofAccumulator, func(ctx context.Context) error { return second(acc.Close(ctx)) }},
		"Accumulator.Batches":  {ofAccumulator, func(context.Context) error { acc.Batches(); return nil }},
		"Loader.Do":            {"NewLoader", func(ctx context.Context) error { return second(loader.Do(ctx, 1)) }},
		"Loader.DoShared":      {"NewLoader", func(ctx context.Context) error { return second(loader.DoShared(ctx, "", 1)) }},
		"Loader.Flush":         {"NewLoader", loader.Flush},
		"Loader.Close":         {"NewLoader", loader.Close},
		"Producer.Add":         {"Accumulator.Producer", func(ctx context.Context) error { return producer.Add(ctx, 1) }},
		"Producer.Close":       {"Accumulator.Producer", producer.Close},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if said := failure(func() error { return test.use(t.Context()) }); !strings.HasPrefix(said, "accumulator: ") || !strings.Contains(said, test.names) {
				t.Errorf("%q does not name %s", said, test.names)
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

// failure returns the error of f, or what it panicked with.
func failure(f func() error) (said string) {
	defer func() {
		if v := recover(); v != nil {
			said = fmt.Sprint(v)
		}
	}()
	return fmt.Sprint(f())
}

func TestZeroValuesHoldNothing(t *testing.T) {
	t.Parallel()
	var b accumulator.Buffer[int]
	if _, ok := b.Flush(time.Time{}); ok || b.Len() != 0 {
		t.Errorf("a zero Buffer holds %d items", b.Len())
	}
	if s := (accumulator.Stage[int]{}).Stats(); s != (accumulator.Stats{}) {
		t.Errorf("a zero Stage has figures: %+v", s)
	}
	var l accumulator.Loader[int, int]
	if s := l.Stats(); s != (accumulator.Stats{}) {
		t.Errorf("a zero Loader has figures: %+v", s)
	}
	var a accumulator.Accumulator[int]
	if s := a.Stats(); s != (accumulator.Stats{}) {
		t.Errorf("a zero Accumulator has figures: %+v", s)
	}
}

// No lock is held while the function of Reject runs.
func TestTheRejectHookMayAdd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var acc *accumulator.Accumulator[string]
		var got shipment[string]
		stage := accumulator.New[string](accumulator.Config{MaxWeight: 5}).
			WeighBy(func(s string) int { return len(s) }).
			Reject(func(v string, _ error) {
				for _, half := range []string{v[:len(v)/2], v[len(v)/2:]} {
					if err := acc.Add(t.Context(), half); err != nil {
						t.Error(err)
					}
				}
			})
		acc = start(t, stage, got.handle)
		add(t, acc, "halved")
		mustClose(t, acc)
		if d := cmp.Diff([][]string{{"hal"}, {"ved"}}, got.items()); d != "" {
			t.Error(d)
		}
	})
}
