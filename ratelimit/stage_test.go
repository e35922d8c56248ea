package ratelimit_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/ratelimit"
)

var _ flow.Stage[string, string] = (*ratelimit.Stage[string])(nil)

func TestStagePacesAPipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := flow.New(t.Context())
		numbers := flow.From(p, slices.Values([]int{1, 2, 3, 4, 5}))
		paced := flow.Via(p, numbers, ratelimit.New[int](ratelimit.Per(60, time.Minute)))
		start := time.Now()
		var got []int
		flow.To(p, paced, func(_ context.Context, n int) error {
			got = append(got, n)
			if at := time.Since(start); at < time.Duration(n-1)*time.Second || at > time.Duration(n)*time.Second {
				t.Errorf("%d came after %s", n, at)
			}
			return nil
		})
		if err := p.Wait(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{1, 2, 3, 4, 5}, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// run starts a stage and returns its ends.
func run[T any](ctx context.Context, s *ratelimit.Stage[T]) (in, out chan []T, done chan error) {
	in, out, done = make(chan []T), make(chan []T), make(chan error, 1)
	go func() { done <- s.Run(ctx, in, out) }()
	return in, out, done
}

func TestWhatMayPassTogetherStaysTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, out, done := run(t.Context(), ratelimit.New[int](ratelimit.Per(600, time.Minute)))
		values := make([]int, 12)
		in <- values
		if first := <-out; len(first) != 10 {
			t.Errorf("%d values first, want the burst of 10", len(first))
		}
		for range 2 {
			if rest := <-out; len(rest) != 1 {
				t.Errorf("%d values after the burst, want one by one", len(rest))
			}
		}
		close(in)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestCancelledStageSendsNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		in, out, done := run(ctx, ratelimit.New[int](ratelimit.Per(1, time.Minute)))
		in <- []int{1, 2, 3}
		<-out
		synctest.Wait()
		cancel(gone)
		if err := <-done; !errors.Is(err, gone) {
			t.Errorf("Run = %v, want the cause", err)
		}
		select {
		case more := <-out:
			t.Errorf("sent %v after the cancel", more)
		default:
		}
	})
}

// Both ends are ready and the context is done: select alone would send half the
// time.
func TestStageLooksAtItsContextFirst(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		in, out := make(chan []int, 1), make(chan []int, 1)
		in <- []int{1}
		if err := ratelimit.New[int](ratelimit.Per(60, time.Minute)).Run(ctx, in, out); !errors.Is(err, context.Canceled) || len(out) != 0 {
			t.Fatalf("Run = %v after it sent %d slices", err, len(out))
		}
	}
}

func TestStageGivesBackWhatItCouldNotDeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, ratelimit.Per(60, time.Minute))
		ctx, cancel := context.WithCancel(t.Context())
		in, _, done := run(ctx, ratelimit.Pace(l, func(int) ratelimit.Cost { return request }))
		in <- []int{1, 2} // nobody takes the first, so the second gets its turn in vain
		time.Sleep(1100 * time.Millisecond)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v", err)
		}
		start := time.Now()
		if err := l.Wait(t.Context(), request); err != nil || time.Since(start) > 0 {
			t.Errorf("Wait = %v after %s, want the turn of the value that was not delivered", err, time.Since(start))
		}
	})
}

func TestStageSharesItsLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, ratelimit.Config{InputTokens: 60_000, Slots: 1})
		in, out, done := run(t.Context(), ratelimit.Pace(l, func(n int) ratelimit.Cost {
			return ratelimit.Cost{InputTokens: n, Slots: 1}
		}))
		in <- []int{100, 200}
		first := <-out
		synctest.Wait()
		select {
		case <-out:
			t.Error("a second value passed through one slot")
		default:
		}
		l.Settle(ratelimit.Cost{InputTokens: 100, Slots: 1}, ratelimit.Cost{InputTokens: 100})
		if second := <-out; !slices.Equal(append(first, second...), []int{100, 200}) {
			t.Errorf("got %v and %v", first, second)
		}
		close(in)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestStageReportsAWrongConfig(t *testing.T) {
	for _, c := range []ratelimit.Config{{Requests: -1}, {Slots: 1}, {InputTokens: 1}, {OutputTokens: 1}} {
		if err := ratelimit.New[int](c).Run(t.Context(), nil, nil); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}
