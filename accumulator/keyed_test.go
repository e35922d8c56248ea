package accumulator_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/accumulator"
)

// initial is the key of the tests: "a1" belongs to "a".
func initial(s string) string { return s[:1] }

func TestEachKeyHasItsOwnBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got shipment[string]
		acc := start(t, accumulator.By(initial, accumulator.Config{MaxItems: 2, MaxWait: time.Second}), got.handle)
		add(t, acc, "a1", "b1", "c1", "b2", "a2", "a3")
		time.Sleep(time.Second)
		synctest.Wait()
		want := []string{"b size [b1 b2]", "a size [a1 a2]", "c age [c1]", "a age [a3]"}
		if d := cmp.Diff(want, describe(got.take())); d != "" {
			t.Error(d)
		}
		if n := acc.Stats().Open; n != 0 {
			t.Errorf("%d keys are open, want all forgotten", n)
		}
		mustClose(t, acc)
	})
}

func describe(batches []accumulator.Batch[string]) []string {
	var all []string
	for _, b := range batches {
		all = append(all, fmt.Sprintf("%s %v %v", b.Key, b.Reason, b.Items))
	}
	return all
}

func TestTheOldestBatchMakesRoomForANewKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got shipment[string]
		acc := start(t, accumulator.By(initial, accumulator.Config{MaxItems: 10, MaxKeys: 2}), got.handle)
		add(t, acc, "a1", "b1", "a2", "c1", "a3")
		synctest.Wait()
		if d := cmp.Diff([]string{"a evict [a1 a2]", "b evict [b1]"}, describe(got.take())); d != "" {
			t.Error(d)
		}
		if n := acc.Stats().Open; n != 2 {
			t.Errorf("%d keys are open, want 2", n)
		}
		mustClose(t, acc)
	})
}

func TestANewKeyCanWaitForAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got shipment[string]
		cfg := accumulator.Config{MaxItems: 2, MaxKeys: 2, MaxWait: time.Minute, WaitForKey: true}
		acc := start(t, accumulator.By(initial, cfg), got.handle)
		add(t, acc, "a1")
		time.Sleep(time.Second)
		add(t, acc, "b1")
		if err := acc.Add(within(t, time.Second), "c1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Add of a third key: %v, want the end of its context", err)
		}
		go add(t, acc, "c1")
		synctest.Wait()
		add(t, acc, "b2") // full: c may open now
		synctest.Wait()
		if n, err := acc.AddMany(t.Context(), []string{"d1", "d2"}); n != 2 || err != nil { // waits until a is due
			t.Fatal(n, err)
		}
		mustClose(t, acc)
		want := []string{"b size [b1 b2]", "a age [a1]", "d size [d1 d2]", "c close [c1]"}
		if d := cmp.Diff(want, describe(got.take())); d != "" {
			t.Error(d)
		}
	})
}

func TestLimitsCanDifferByKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		perKey := func(key string) accumulator.Config {
			switch key {
			case "s":
				return accumulator.Config{MaxItems: 1}
			case "x":
				return accumulator.Config{MaxItems: -1}
			default:
				return accumulator.Config{MaxWait: time.Second}
			}
		}
		var got shipment[string]
		acc := start(t, accumulator.By(initial, accumulator.Config{MaxItems: 2, PerKey: perKey}), got.handle)
		add(t, acc, "l1", "s1", "l2", "s2", "l3")
		err := acc.Add(t.Context(), "x1")
		if err == nil || !strings.Contains(err.Error(), `limits of key "x"`) || !strings.Contains(err.Error(), "MaxItems") {
			t.Errorf("Add with invalid limits: %v", err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if d := cmp.Diff([]string{"s size [s1]", "s size [s2]", "l age [l1 l2 l3]"}, describe(got.take())); d != "" {
			t.Error(d)
		}
		mustClose(t, acc)
	})
}

// Limits are asked for outside the lock: the function may use the accumulator,
// and if it panics the accumulator goes on.
func TestLimitsAreAskedForOutsideTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var acc *accumulator.Accumulator[string]
		perKey := func(key string) accumulator.Config {
			if key == "p" {
				panic("no limits")
			}
			_, _ = acc.Stats(), acc.OpenBatches(1)
			return accumulator.Config{MaxItems: 2}
		}
		var got shipment[string]
		acc = start(t, accumulator.By(initial, accumulator.Config{MaxItems: 3, PerKey: perKey}), got.handle)
		var panicked any
		func() {
			defer func() { panicked = recover() }()
			_ = acc.Add(t.Context(), "p1")
		}()
		if panicked != "no limits" {
			t.Errorf("panicked with %v", panicked)
		}
		add(t, acc, "a1")
		if n, err := acc.AddMany(t.Context(), []string{"b1", "a2", "b2"}); n != 3 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		mustClose(t, acc)
		if d := cmp.Diff([]string{"a size [a1 a2]", "b size [b1 b2]"}, describe(got.take())); d != "" {
			t.Error(d)
		}
	})
}

// So it is by a Loader.
func TestLoadersAskForLimits(t *testing.T) {
	t.Parallel()
	perKey := func(key string) accumulator.Config { return accumulator.Config{MaxItems: len(key)} }
	load := func(_ context.Context, b accumulator.Batch[string]) ([]accumulator.Result[int], error) {
		all := make([]accumulator.Result[int], len(b.Items))
		for i := range all {
			all[i].Value = len(b.Items)
		}
		return all, nil
	}
	l, err := accumulator.NewLoader(t.Context(), accumulator.By(func(s string) string { return s }, accumulator.Config{MaxItems: 9, PerKey: perKey}), load)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := l.Do(t.Context(), "a"); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if n, err := l.Do(t.Context(), "bb"); n != 2 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		})
	}
	both.Wait()
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestManyKeysInAnyOrderLeaveOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait := func(key string) time.Duration { return time.Duration(1+len(key)*7919%100) * time.Second }
		perKey := func(key string) accumulator.Config { return accumulator.Config{MaxItems: 3, MaxWait: wait(key)} }
		key := func(n int) string { return strings.Repeat("k", n) }
		handled := 0
		acc := start(t, accumulator.By(key, accumulator.Config{MaxItems: 1, PerKey: perKey}),
			func(_ context.Context, b accumulator.Batch[int]) error {
				handled += len(b.Items)
				if b.Reason == accumulator.ReasonAge && b.Age() != wait(b.Key) {
					t.Errorf("key of length %d left after %v, want %v", len(b.Key), b.Age(), wait(b.Key))
				}
				return nil
			})
		for i := range 1000 {
			add(t, acc, i*31%60)
			time.Sleep(time.Second / 3)
		}
		mustClose(t, acc)
		if s := acc.Stats(); handled != 1000 || s.Reasons[accumulator.ReasonAge] == 0 || s.Reasons[accumulator.ReasonSize] == 0 {
			t.Errorf("%d items handled, batches by reason %v; want 1000, by age and by size", handled, s.Reasons)
		}
	})
}
