package dedup_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/dedup"
)

func same(s string) string { return s }

func TestACoalescerCountsWhatItSaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		s := dedup.Coalesce(same, same, flow.Each(func(context.Context, string) error {
			<-answer
			time.Sleep(time.Second)
			return nil
		}), 0)
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		in, out, done := make(chan []string), make(chan []dedup.Answered[string, string], 9), make(chan error, 1)
		go func() { done <- s.Run(ctx, in, out) }()
		in <- []string{"a", "a", "b", "a"}
		synctest.Wait()
		if d := cmp.Diff(dedup.CoalescerStats{Asked: 2, Shared: 2, InFlight: 4}, s.Stats()); d != "" {
			t.Error(d)
		}
		answer <- struct{}{}
		time.Sleep(2 * time.Second)
		if d := cmp.Diff(dedup.CoalescerStats{Asked: 2, Shared: 2, InFlight: 1}, s.Stats()); d != "" {
			t.Error(d)
		}
		cancel(stop)
		close(answer)
		if err := <-done; !errors.Is(err, stop) {
			t.Error(err)
		}
		if got := s.Stats().InFlight; got != 0 {
			t.Errorf("a run that has ended has %d in flight", got)
		}
	})
}

func TestAZeroCoalescerNamesItsConstructor(t *testing.T) {
	t.Parallel()
	var s dedup.Coalescer[string, string]
	if err := s.Run(t.Context(), nil, nil); err == nil {
		t.Error("it has no keys")
	}
}

func TestKeysCountDuplicates(t *testing.T) {
	t.Parallel()
	var keys dedup.Keys
	p := flow.New(t.Context())
	fresh := flow.Via(p, flow.From(p, slices.Values([]string{"a", "b", "a"})), dedup.New(&keys, same, nil))
	flow.Discard(p, flow.Via(p, fresh, dedup.Claim(&keys, same)))
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(dedup.KeyStats{Passed: 2, Duplicates: 1, OnWay: 2}, keys.Stats()); d != "" {
		t.Error(d)
	}
}
