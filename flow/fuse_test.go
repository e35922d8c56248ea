package flow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/internal/flowtest"
)

func nap(_ context.Context, v int) (int, error) {
	time.Sleep(time.Second)
	return v, nil
}

// asStage hides that f is a Func.
func asStage[In, Out any](f flow.Func[In, Out]) flow.Stage[In, Out] {
	return flow.StageFunc[In, Out](f.Run)
}

// napsOf returns how long ten items take through two naps of a second.
func napsOf(t *testing.T, nap flow.Stage[int, int], opts ...flow.Option) (took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := flow.New(t.Context(), opts...)
		items := flow.Via(p, flow.From(p, slices.Values(make([]int, 10))), nap)
		flow.Discard(p, flow.Via(p, items, nap))
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
		took = time.Since(start)
	})
	return took
}

func TestNeighbouringFunctionsTakeTurnsInOneGoroutine(t *testing.T) {
	if took := napsOf(t, flow.Map(nap)); took != 20*time.Second {
		t.Errorf("two naps took %v, want one after the other", took)
	}
	if took := napsOf(t, asStage(flow.Map(nap))); took != 11*time.Second {
		t.Errorf("two naps in stages took %v, want them at the same time", took)
	}
}

func TestAPipelineThatIsLookedAtDoesNotFuse(t *testing.T) {
	plain := func(ctx context.Context, _ string, run func(context.Context) error) error { return run(ctx) }
	for name, opt := range map[string]flow.Option{"stats": flow.WithStats(), "middleware": flow.WithMiddleware(plain)} {
		if took := napsOf(t, flow.Map(nap), opt); took != 11*time.Second {
			t.Errorf("%s: two naps took %v, want them at the same time", name, took)
		}
	}
}

// A stage runs before anybody reads it, and whoever reads it, whenever that
// begins.
func TestAnybodyMayReadAFusedStageAtAnyTime(t *testing.T) {
	twice := flow.Map(double)
	for name, read := range map[string]func(p *flow.Pipeline, in <-chan []int) []int{
		"the channel itself": func(_ *flow.Pipeline, in <-chan []int) (got []int) {
			for slice := range in {
				got = append(got, slice...)
			}
			return got
		},
		"chan": func(p *flow.Pipeline, in <-chan []int) (got []int) {
			for item := range flow.Chan(p, in) {
				got = append(got, item)
			}
			return got
		},
		"another function": func(p *flow.Pipeline, in <-chan []int) (got []int) {
			flow.To(p, flow.Via(p, in, flow.Filter(func(int) bool { return true })), flowtest.Collect(&got))
			if err := p.Wait(); err != nil {
				t.Error(err)
			}
			return got
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{0, 1, 5000} {
				synctest.Test(t, func(t *testing.T) {
					p := flow.New(t.Context())
					made := flow.Via(p, flow.From(p, upTo(n)), twice)
					synctest.Wait() // it has ended, or waits for a reader
					got := read(p, made)
					if err := p.Wait(); err != nil {
						t.Fatal(err)
					}
					for i, v := range got {
						if v != 2*i {
							t.Fatalf("item %d is %d", i, v)
						}
					}
					if len(got) != n {
						t.Errorf("%d of %d items arrived", len(got), n)
					}
				})
			}
		})
	}
}

func TestAStageThatNobodyReadsEndsWithThePipeline(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	p := flow.New(ctx)
	flow.Via(p, flow.From(p, forever), flow.Map(double))
	cancel(flowtest.ErrBoom)
	if err := p.Wait(); !errors.Is(err, flowtest.ErrBoom) {
		t.Errorf("Wait() = %v, want boom", err)
	}
}

func TestAnErrorNamesTheFusedStageThatMadeIt(t *testing.T) {
	for at, want := range []string{"one", "two", "three"} {
		p := flow.New(t.Context())
		items := flow.From(p, forever)
		for i, name := range []string{"one", "two", "three"} {
			items = flow.Via(p, items, flow.Each(func(_ context.Context, v int) error {
				if i == at && v == 1000 {
					return flowtest.ErrBoom
				}
				return nil
			}), flow.Name(name))
		}
		flow.Discard(p, items)
		var failure *flow.StageError
		if err := p.Wait(); !errors.As(err, &failure) || failure.Stage != want || failure.Err != flowtest.ErrBoom { //nolint:errorlint // not wrapped
			t.Errorf("Wait() = %v, want boom from %s", err, want)
		}
	}
}

// borrower fails when what it has received does not stay as it is until it
// receives again.
type borrower struct{}

func (borrower) Borrows() bool { return true }

func (borrower) Run(ctx context.Context, in <-chan []string, out chan<- []string) error {
	for slice := range flow.Slices(ctx, in) {
		copied := slices.Clone(slice)
		if err := flow.Send(ctx, out, slices.Clone(copied)); err != nil {
			return err
		}
		if diff := cmp.Diff(copied, slice); diff != "" {
			return fmt.Errorf("a slice has changed:\n%s", diff)
		}
	}
	return context.Cause(ctx)
}

// owner keeps every slice that it receives, until the end.
func owner(ctx context.Context, in <-chan []string, out chan<- []string) error {
	var all [][]string
	for slice := range flow.Slices(ctx, in) {
		all = append(all, slice)
	}
	for _, slice := range all {
		if err := flow.Send(ctx, out, slice); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// manyWays sends n numbers through functions that overwrite their slices, that
// cannot, and that are slow now and then, so that some results go on before the
// others of their slice.
func manyWays(p *flow.Pipeline, n, slow int) <-chan []string {
	odds := flow.Via(p, flow.From(p, upTo(n)), flow.Filter(func(v int) bool { return !even(v) }))
	pairs := flow.Via(p, odds, flow.FlatMap(func(_ context.Context, v int) ([]int, error) { return []int{v - 1, v}, nil }))
	texts := flow.Via(p, pairs, flow.Map(func(_ context.Context, v int) (string, error) {
		if v%slow == slow-1 {
			time.Sleep(time.Second)
		}
		return strconv.Itoa(v), nil
	}))
	seen := 0
	return flow.Via(p, texts, flow.Each(func(context.Context, string) error {
		if seen++; seen%(slow/2+1) == 0 {
			time.Sleep(time.Second)
		}
		return nil
	}))
}

// Memory goes round in a fast stream, but never while somebody may still look
// at it.
func TestNoSliceIsFilledAgainWhileItIsInUse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := 2 * rapid.IntRange(0, 1500).Draw(rt, "pairs")
		slow := rapid.IntRange(1, 4000).Draw(rt, "every so many items slow")
		stage := rapid.SampledFrom([]flow.Stage[string, string]{borrower{}, flow.StageFunc[string, string](owner)}).Draw(rt, "stage")
		var got []string
		synctest.Test(t, func(t *testing.T) {
			p := flow.New(t.Context())
			flow.To(p, flow.Via(p, manyWays(p, n, slow), stage), flowtest.Collect(&got))
			if err := p.Wait(); err != nil {
				rt.Error(err)
			}
		})
		want := make([]string, n)
		for i := range want {
			want[i] = strconv.Itoa(i)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			rt.Error(diff)
		}
	})
}
