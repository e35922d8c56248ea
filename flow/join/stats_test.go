package join_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/join"
)

func TestAJoinCountsItsGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type half struct{ key, part int }
		s := join.New(func(h half) int { return h.key }, func(h half) int { return h.part }, 2, join.Config[int, half]{
			Within:  time.Minute,
			Expired: func(context.Context, join.Group[int, half]) error { return nil },
		})
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		in, out, done := make(chan []half), make(chan []join.Group[int, half], 9), make(chan error, 1)
		go func() { done <- s.Run(ctx, in, out) }()
		in <- []half{{1, 0}, {1, 1}, {2, 0}}
		synctest.Wait()
		if d := cmp.Diff(join.Stats{Complete: 1, Open: 1}, s.Stats()); d != "" {
			t.Error(d)
		}
		time.Sleep(2 * time.Minute)
		in <- []half{{3, 0}, {4, 1}}
		synctest.Wait()
		if d := cmp.Diff(join.Stats{Complete: 1, Expired: 1, Open: 2}, s.Stats()); d != "" {
			t.Error(d)
		}
		cancel(stop)
		if err := <-done; !errors.Is(err, stop) {
			t.Error(err)
		}
		if d := cmp.Diff(join.Stats{Complete: 1, Expired: 1}, s.Stats()); d != "" {
			t.Errorf("a run that has ended holds something: %s", d)
		}
	})
}

func TestPairsCountWhatFindsNoPartner(t *testing.T) {
	p, same := flow.New(t.Context()), func(n int) int { return n }
	var counts join.Counts
	pairs := join.Pairs(p, flow.From(p, slices.Values([]int{1, 2, 3})), flow.From(p, slices.Values([]int{2, 3, 4, 5})), same, same, join.PairConfig[int, int]{
		MaxOpen: 10, Counts: &counts,
		Expired: func(context.Context, *int, *int) error { return nil },
	})
	got := 0
	flow.To(p, pairs, func(context.Context, join.Pair[int, int]) error {
		got++
		return nil
	})
	if err := p.Wait(); err != nil || got != 2 {
		t.Errorf("%d pairs, %v", got, err)
	}
	if d := cmp.Diff(join.Stats{Complete: 2, Expired: 3}, counts.Stats()); d != "" {
		t.Error(d)
	}
}
