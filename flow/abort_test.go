package flow_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/dedup"
	"github.com/balerhq/baler/flow/internal/flowtest"
	"github.com/balerhq/baler/flow/join"
	"github.com/balerhq/baler/flow/router"
)

// everyStage makes a pipeline out of everything that has goroutines. Each of
// its items is a number that comes in and goes out as the same number.
func everyStage(t *testing.T, p *flow.Pipeline, in <-chan []int) <-chan []int {
	t.Helper()
	texts := flow.Via(p, in, flow.Parallel(flow.Map(func(_ context.Context, v int) (string, error) {
		return strconv.Itoa(v), nil
	}), flow.Concurrency{Workers: 3}))

	routed, err := router.New(flowtest.ItemKey, flowtest.ReplyKey, router.RoundRobin[string](),
		[]flowtest.Route{flowtest.FailsAll("bad"), flowtest.Gathers(7, flowtest.Answers("b")), flowtest.Answers("c")},
		router.Config[string, flowtest.Reply]{Failed: flowtest.ReplyFailed})
	if err != nil {
		t.Fatal(err)
	}
	results := flow.Via(p, texts, dedup.Coalesce(flowtest.ItemKey, func(r flowtest.Routed) string { return r.Result.Item }, routed, 0))

	numbers := flow.Via(p, results, flow.Parallel(flow.Map(func(_ context.Context, a dedup.Answered[string, flowtest.Routed]) (int, error) {
		return strconv.Atoi(a.Item)
	}), flow.Concurrency{Workers: 2, Unordered: true}))

	a, b := flow.Tee(p, numbers)
	evens, odds := flow.Partition(p, a, even)
	same := func(v int) int { return v }
	pairs := join.Pairs(p, flow.Merge(p, evens, odds), b, same, same, join.PairConfig[int, int]{MaxOpen: 10_000})
	return flow.Via(p, pairs, flow.Compose(func(p *flow.Pipeline, in <-chan []join.Pair[int, int]) <-chan []int {
		left := flow.Map(func(_ context.Context, pair join.Pair[int, int]) (int, error) { return pair.Left, nil })
		return flow.Via(p, in, flow.Then(left, flow.Filter(func(int) bool { return true })))
	}))
}

func TestEveryItemOfALongPipelineArrivesOnce(t *testing.T) {
	const n = 3000
	p := flow.New(t.Context(), flow.WithStats())
	numbers := flow.From(p, func(yield func(int) bool) {
		for i := 0; i < n && yield(i); i++ {
		}
	})
	var got []int
	flow.To(p, everyStage(t, p, numbers), flowtest.Collect(&got))
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if len(slices.Compact(got)) != n || got[0] != 0 || got[n-1] != n-1 {
		t.Errorf("%d different items arrived, want %d", len(slices.Compact(got)), n)
	}
}

// However far the items have come, a cancel ends every goroutine, and no item
// reaches the sink after it.
func TestCancelAtAnyMoment(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		after := rapid.Int64Range(0, 2000).Draw(rt, "after")
		inSink := rapid.Bool().Draw(rt, "in sink")

		p := flow.New(ctx)
		var made, arrived, late atomic.Int64
		numbers := flow.From(p, func(yield func(int) bool) {
			for i := 0; yield(i); i++ {
				if made.Add(1) > after && !inSink {
					cancel(flowtest.ErrBoom)
				}
			}
		})
		flow.To(p, everyStage(t, p, numbers), func(ctx context.Context, _ int) error {
			if ctx.Err() != nil {
				late.Add(1)
			}
			if arrived.Add(1) > after && inSink {
				cancel(flowtest.ErrBoom)
			}
			return nil
		})
		if err := p.Wait(); !errors.Is(err, flowtest.ErrBoom) || errors.As(err, new(*flow.StageError)) {
			rt.Errorf("Wait() = %v, want the cause and nobody to blame", err)
		}
		if inSink && late.Load() > 0 {
			rt.Errorf("%d items reached the sink after its own cancel", late.Load())
		}
	})
}

func TestAnErrorAnywhereEndsEveryGoroutine(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		at := rapid.IntRange(0, 2000).Draw(rt, "at")
		fails := flow.Each(func(_ context.Context, v int) error {
			if v >= at {
				return flowtest.ErrBoom
			}
			return nil
		})
		p := flow.New(t.Context())
		numbers := flow.From(p, forever)
		if rapid.Bool().Draw(rt, "early") {
			numbers = flow.Via(p, numbers, fails, flow.Name("fails"))
		}
		last := everyStage(t, p, numbers)
		flow.Discard(p, flow.Via(p, last, fails, flow.Name("fails")))
		var failure *flow.StageError
		if err := p.Wait(); !errors.As(err, &failure) || failure.Stage != "fails" || !errors.Is(err, flowtest.ErrBoom) {
			rt.Errorf("Wait() = %v, want boom from fails", err)
		}
	})
}

// A reader that stands still stops the source after a few slices for each
// stage.
func TestASlowReaderHoldsUpTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := flow.New(ctx)
		var made atomic.Int64
		numbers := flow.From(p, func(yield func(int) bool) {
			for i := 0; yield(i); i++ {
				made.Add(1)
			}
		})
		for range 3 {
			numbers = flow.Via(p, numbers, flow.Map(double))
		}
		flow.To(p, numbers, func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		synctest.Wait()
		const slice, behindSource, toSink = 128, 9, 6
		if n := made.Load(); n > slice*(behindSource+toSink) {
			t.Errorf("the source ran %d items ahead", n)
		}
		cancel()
		if err := p.Wait(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestAbortDoesNotWaitForASlowFunctionTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := flow.New(ctx)
		deaf := flow.Map(func(_ context.Context, v int) (int, error) { time.Sleep(time.Hour); return v, nil })
		flow.Discard(p, flow.Via(p, flow.From(p, forever), deaf))
		start := time.Now()
		time.Sleep(time.Minute)
		cancel()
		if err := p.Wait(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if took := time.Since(start); took != time.Hour {
			t.Errorf("returned after %v, want the end of the call that was on", took)
		}
	})
}

func TestAPanicOfAFunctionIsNotSwallowed(t *testing.T) {
	defer func() {
		if r := recover(); r != "user's own" {
			t.Errorf("recovered %v, want the panic", r)
		}
	}()
	in, out := make(chan []int, 1), make(chan []int, 1)
	in <- []int{1}
	_ = flow.Map(func(context.Context, int) (int, error) { panic("user's own") }).Run(t.Context(), in, out)
}
