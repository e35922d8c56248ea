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
	"pgregory.net/rapid"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/internal/flowtest"
)

func double(_ context.Context, v int) (int, error) { return 2 * v, nil }

func even(v int) bool { return v%2 == 0 }

// forever yields 0, 1, 2 and so on without end.
func forever(yield func(int) bool) {
	for i := 0; yield(i); i++ {
	}
}

// upTo yields 0 to n-1.
func upTo(n int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for i := 0; i < n && yield(i); i++ {
		}
	}
}

func TestItemsGoThroughEveryStageInOrder(t *testing.T) {
	p := flow.New(t.Context())
	numbers := flow.From(p, slices.Values([]int{1, 2, 3, 4}))
	evens := flow.Via(p, numbers, flow.Filter(even))
	twice := flow.Via(p, evens, flow.FlatMap(func(_ context.Context, v int) ([]int, error) { return []int{v, v}, nil }))
	texts := flow.Via(p, twice, flow.Map(func(_ context.Context, v int) (string, error) { return strconv.Itoa(v), nil }))
	var got []string
	flow.To(p, texts, flowtest.Collect(&got))
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2", "2", "4", "4"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAFailingStageIsNamedAndAbortsTheOthers(t *testing.T) {
	p := flow.New(t.Context())
	numbers := flow.From(p, forever)
	checked := flow.Via(p, numbers, flow.Each(func(_ context.Context, v int) error {
		if v == 1000 {
			return flowtest.ErrBoom
		}
		return nil
	}), flow.Name("check"))
	flow.Discard(p, checked)

	err := p.Wait()

	var failure *flow.StageError
	if !errors.As(err, &failure) || failure.Stage != "check" || !errors.Is(err, flowtest.ErrBoom) {
		t.Errorf("Wait() = %v, want boom from check", err)
	}
}

func TestASourceCanFail(t *testing.T) {
	p := flow.New(t.Context())
	flow.Discard(p, flow.FromSeq2(p, func(yield func(int, error) bool) {
		_ = yield(1, nil) && yield(0, flowtest.ErrBoom)
	}))
	if err := p.Wait(); !errors.Is(err, flowtest.ErrBoom) {
		t.Errorf("Wait() = %v, want boom", err)
	}
}

func TestCancelAbortsWithTheCause(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	p := flow.New(ctx)
	flow.To(p, flow.Via(p, flow.From(p, forever), flow.Map(double)), func(_ context.Context, v int) error {
		if v > 1000 {
			cancel(flowtest.ErrBoom)
		}
		return nil
	})
	err := p.Wait()
	if !errors.Is(err, flowtest.ErrBoom) {
		t.Errorf("Wait() = %v, want the cause", err)
	}
	if errors.As(err, new(*flow.StageError)) {
		t.Errorf("Wait() = %v blames a stage for a cancellation", err)
	}
}

func TestDrainDeliversWhatTheSourceHasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := flow.New(ctx, flow.WithDrain(time.Minute))
		items := make(chan int)
		var got []int
		flow.To(p, flow.FromChan(p, items), func(_ context.Context, v int) error {
			time.Sleep(time.Second)
			got = append(got, v)
			return nil
		})
		for i := range 5 {
			items <- i
		}
		synctest.Wait()
		cancel()
		if err := p.Wait(); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait() = %v, want to hear of the cancellation", err)
		}
		if diff := cmp.Diff([]int{0, 1, 2, 3, 4}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// A function that is told to stop says so in its own words.
func TestACancelledFunctionIsNotToBlame(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	p := flow.New(ctx)
	flow.To(p, flow.From(p, forever), func(ctx context.Context, _ int) error {
		cancel(flowtest.ErrBoom)
		return fmt.Errorf("insert: %w", ctx.Err())
	})
	if err := p.Wait(); !errors.Is(err, flowtest.ErrBoom) || errors.As(err, new(*flow.StageError)) {
		t.Errorf("Wait() = %v, want the cause and nobody to blame", err)
	}
}

func TestAFailureWhileStoppingIsReportedToo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := flow.New(ctx)
	flow.To(p, flow.From(p, forever), func(context.Context, int) error {
		cancel()
		return flowtest.ErrBoom
	})
	if err := p.Wait(); !errors.Is(err, flowtest.ErrBoom) || !errors.Is(err, context.Canceled) {
		t.Errorf("Wait() = %v, want both the cancellation and the failure", err)
	}
}

// An item that a source has handed over is not dropped by a drain, whenever it
// begins.
func TestDrainLosesNothingThatASourceHandedOver(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		after := rapid.IntRange(0, 3000).Draw(rt, "after")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p := flow.New(ctx, flow.WithDrain(time.Hour))
		ch := make(chan int, 3000)
		for i := range cap(ch) {
			ch <- i
		}
		made, arrived := 0, 0
		numbers := flow.From(p, func(yield func(int) bool) {
			for {
				made++
				if !yield(made) {
					return
				}
			}
		})
		flow.To(p, flow.Merge(p, flow.FromChan(p, ch), numbers), func(context.Context, int) error {
			if arrived++; arrived > after {
				cancel()
			}
			return nil
		})
		if err := p.Wait(); !errors.Is(err, context.Canceled) {
			rt.Fatal(err)
		}
		if handedOver := made + cap(ch) - len(ch); arrived != handedOver {
			rt.Errorf("%d of %d items arrived", arrived, handedOver)
		}
	})
}

func TestDrainEndsAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := flow.New(ctx, flow.WithDrain(time.Minute))
		flow.To(p, flow.From(p, forever), func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		synctest.Wait()
		start := time.Now()
		cancel()
		if err := p.Wait(); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait() = %v", err)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("aborted after %v, want 1m", took)
		}
	})
}

func TestAStageThatLeavesItemsUnreadIsAnError(t *testing.T) {
	p := flow.New(t.Context())
	lazy := flow.StageFunc[int, int](func(context.Context, <-chan []int, chan<- []int) error { return nil })
	flow.Discard(p, flow.Via(p, flow.From(p, forever), lazy))
	if err := p.Wait(); !errors.Is(err, flow.ErrUnread) {
		t.Errorf("Wait() = %v, want ErrUnread", err)
	}
}

// A source that falls silent after each item must see that item at the end of
// the pipeline.
func TestNoItemLingersWhenTheSourceGoesQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := flow.New(t.Context())
		var got []int
		quiet := func(yield func(int) bool) {
			for i := range 5 {
				if !yield(i) {
					return
				}
				synctest.Wait() // everybody else has nothing left to do
				if len(got) != i+1 {
					t.Errorf("after item %d %d have arrived", i, len(got))
				}
			}
		}
		same := flow.Filter(func(int) bool { return true })
		flow.To(p, flow.Via(p, flow.Via(p, flow.From(p, quiet), same), same), flowtest.Collect(&got))
		if err := p.Wait(); err != nil {
			t.Fatal(err)
		}
	})
}
