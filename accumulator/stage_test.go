package accumulator_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
)

var _ flow.Stage[int, accumulator.Batch[int]] = accumulator.New[int](accumulator.Config{})

// running is a stage with its channels.
type running[T any] struct {
	in  chan []T
	out chan []accumulator.Batch[T]
	err chan error
}

func run[T any](ctx context.Context, s accumulator.Stage[T]) running[T] {
	r := running[T]{make(chan []T), make(chan []accumulator.Batch[T]), make(chan error, 1)}
	go func() { r.err <- s.Run(ctx, r.in, r.out) }()
	return r
}

func TestAStageSendsWhatASliceFilledBeforeItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t.Context(), accumulator.New[int](accumulator.Config{MaxItems: 3}))
		r.in <- []int{1, 2, 3, 4, 5, 6, 7}
		if got := <-r.out; len(got) != 2 || !cmp.Equal(got[0].Items, []int{1, 2, 3}) || !cmp.Equal(got[1].Items, []int{4, 5, 6}) {
			t.Errorf("got %v, want two full batches", got)
		}
		close(r.in)
		if got := <-r.out; len(got) != 1 || !cmp.Equal(got[0].Items, []int{7}) || got[0].Reason != accumulator.ReasonClose {
			t.Errorf("got %v, want the rest by close", got)
		}
		if err := <-r.err; err != nil {
			t.Error(err)
		}
	})
}

func TestAStageClosesBatchesByAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := accumulator.New[int](accumulator.Config{MaxItems: 100, MaxWait: time.Second})
		r := run(t.Context(), stage)
		for range 3 {
			time.Sleep(time.Minute)
			r.in <- []int{1}
			time.Sleep(time.Second * 9 / 10)
			r.in <- []int{2}
			if got := <-r.out; len(got) != 1 || got[0].Age() != time.Second || !cmp.Equal(got[0].Items, []int{1, 2}) {
				t.Errorf("got %v, want both items after a second", got)
			}
		}
		close(r.in)
		if err := <-r.err; err != nil {
			t.Error(err)
		}
		if s := stage.Stats(); s.Batches != 3 || s.Items != 6 || s.Reasons[accumulator.ReasonAge] != 3 {
			t.Errorf("got %+v, want 3 batches by age", s)
		}
	})
}

func TestAStageStopsPromptlyWithTheCause(t *testing.T) {
	for name, prepare := range map[string]func(running[int]){
		"while it waits for input":  func(running[int]) {},
		"while it sends":            func(r running[int]) { r.in <- []int{1, 2, 3} },
		"while it waits for a key":  func(r running[int]) { r.in <- []int{1, 12} },
		"while it closes its input": func(r running[int]) { r.in <- []int{1}; close(r.in) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				key := func(v int) string { return strings.Repeat("k", v/10) }
				r := run(ctx, accumulator.By(key, accumulator.Config{MaxItems: 3, MaxWait: time.Hour, MaxKeys: 1, WaitForKey: true}))
				prepare(r)
				synctest.Wait()
				cancel(errBoom)
				synctest.Wait()
				select {
				case got := <-r.out:
					t.Errorf("sent %v after the end of its context", got)
				case err := <-r.err:
					if !errors.Is(err, errBoom) {
						t.Errorf("Run: %v, want the cause", err)
					}
				}
			})
		})
	}
}

func TestAKeyedStageWaitsForAKeyWithoutDroppingItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := accumulator.Config{MaxItems: 10, MaxKeys: 1, MaxWait: time.Second, WaitForKey: true}
		r := run(t.Context(), accumulator.By(initial, cfg))
		go func() {
			r.in <- []string{"a1", "a2", "b1", "c1", "c2"}
			close(r.in)
		}()
		var got []accumulator.Batch[string]
		for range 3 {
			got = append(got, <-r.out...)
		}
		if d := cmp.Diff([]string{"a age [a1 a2]", "b age [b1]", "c close [c1 c2]"}, describe(got)); d != "" {
			t.Error(d)
		}
		if err := <-r.err; err != nil {
			t.Error(err)
		}
	})
}

func TestAStageRejectsByHookOrFailsByKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rejected []string
		perKey := func(key string) accumulator.Config {
			if key == "x" {
				return accumulator.Config{}
			}
			return accumulator.Config{MaxWeight: 3}
		}
		stage := accumulator.By(initial, accumulator.Config{MaxItems: 1, PerKey: perKey}).
			WeighBy(func(s string) int { return len(s) }).
			Reject(func(v string, _ error) { rejected = append(rejected, v) })
		r := run(t.Context(), stage)
		r.in <- []string{"a", "heavy", "also heavy", "aa"}
		if got := describe(<-r.out); !cmp.Equal(got, []string{"a weight [a aa]"}) {
			t.Errorf("got %v", got)
		}
		if d := cmp.Diff([]string{"heavy", "also heavy"}, rejected); d != "" {
			t.Error(d)
		}
		r.in <- []string{"x"}
		if err := <-r.err; err == nil || !strings.Contains(err.Error(), `key "x"`) {
			t.Errorf("Run: %v, want an error about the key", err)
		}
	})
}

func TestAStageInAPipeline(t *testing.T) {
	p := flow.New(t.Context())
	numbers := flow.From(p, func(yield func(int) bool) {
		for i := 0; i < 1000 && yield(i); i++ {
		}
	})
	batches := flow.Via(p, numbers, accumulator.New[int](accumulator.Config{MaxItems: 64}))
	var all []int
	flow.To(p, batches, func(_ context.Context, b accumulator.Batch[int]) error {
		all = append(all, b.Items...)
		return nil
	})
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(all) != 1000 || !slices.IsSorted(all) {
		t.Errorf("%d items arrived, in order: %t", len(all), slices.IsSorted(all))
	}
}

func TestAStageHasAName(t *testing.T) {
	t.Parallel()
	cfg := accumulator.Config{MaxItems: 1}
	for want, s := range map[string]accumulator.Stage[string]{
		"accumulator":        accumulator.New[string](cfg),
		"accumulator by key": accumulator.By(func(s string) string { return s }, cfg),
	} {
		if got := s.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
