package accumulator_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/accumulator"
)

// A zero value that cannot work names the function that makes one that can.
func TestZeroValuesNameTheirConstructor(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(ctx context.Context) error{
		"NewBuffer": func(context.Context) error {
			var b accumulator.Buffer[int]
			b.Add(1, 0, time.Time{})
			return nil
		},
		"New or By": func(ctx context.Context) error {
			in := make(chan []int, 1)
			in <- []int{1}
			close(in)
			return accumulator.Stage[int]{}.Run(ctx, in, make(chan []accumulator.Batch[int], 1))
		},
		"make it with New": func(ctx context.Context) error {
			_, err := accumulator.Stage[int]{}.Open(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if said := failure(func() error { return use(t.Context()) }); !strings.HasPrefix(said, "accumulator: ") || !strings.Contains(said, name) {
				t.Errorf("%q does not name %s", said, name)
			}
		})
	}
}

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
}
