package accumulator_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/accumulator"
)

func TestEveryItemOfEveryProducerArrivesOnceAndInOrder(t *testing.T) {
	const producers, each = 8, 2000
	ways := map[string]func(*testing.T, *accumulator.Accumulator[item], []item){
		"Add": func(t *testing.T, acc *accumulator.Accumulator[item], vs []item) {
			t.Helper()
			add(t, acc, vs...)
		},
		"AddMany": func(t *testing.T, acc *accumulator.Accumulator[item], vs []item) {
			t.Helper()
			for len(vs) > 0 {
				part := vs[:min(33, len(vs))]
				if n, err := acc.AddMany(t.Context(), part); n != len(part) || err != nil {
					t.Errorf("AddMany took %d of %d: %v", n, len(part), err)
				}
				vs = vs[len(part):]
			}
		},
		"Producer": func(t *testing.T, acc *accumulator.Accumulator[item], vs []item) {
			t.Helper()
			p := acc.Producer()
			for _, v := range vs {
				if err := p.Add(t.Context(), v); err != nil {
					t.Error(err)
				}
			}
			if err := p.Close(t.Context()); err != nil {
				t.Error(err)
			}
		},
	}
	for name, add := range ways {
		t.Run(name, func(t *testing.T) {
			got := newSequence(t, producers)
			acc := start(t, accumulator.New[item](accumulator.Config{MaxItems: 7, MaxWait: time.Millisecond}), got.handle(7))
			var wg sync.WaitGroup
			for p := range producers {
				vs := make([]item, each)
				for i := range vs {
					vs[i] = item{p, i}
				}
				wg.Go(func() { add(t, acc, vs) })
			}
			wg.Wait()
			mustClose(t, acc)
			got.check(each)
		})
	}
}

func TestABatchLeavesWhenItIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got shipment[int]
		acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 2}), got.handle)
		add(t, acc, 1, 2, 3)
		synctest.Wait()
		batches := got.take()
		if len(batches) != 1 || batches[0].Reason != accumulator.ReasonSize {
			t.Fatalf("got %+v, want one full batch", batches)
		}
		mustClose(t, acc)
		if last := got.take(); len(last) != 1 || last[0].Reason != accumulator.ReasonClose || !cmp.Equal(last[0].Items, []int{3}) {
			t.Fatalf("got %+v, want the rest by close", last)
		}
	})
}

func TestAgeCountsFromTheFirstItemAtASlowTrickle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wait = 100 * time.Millisecond
		var got shipment[int]
		acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 1000, MaxWait: wait}), got.handle)
		for i := range 20 {
			add(t, acc, i)
			time.Sleep(wait * 9 / 10)
		}
		mustClose(t, acc)
		batches := got.take()
		if len(batches) != 10 {
			t.Fatalf("%d batches, want 10 of two items", len(batches))
		}
		for _, b := range batches {
			if len(b.Items) != 2 || b.Reason != accumulator.ReasonAge || b.Age() != wait {
				t.Errorf("batch of %d by %v after %v, want 2 by age after %v", len(b.Items), b.Reason, b.Age(), wait)
			}
		}
	})
}

func TestAnIdlePeriodMakesNoEmptyBatchAndNoEarlyOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wait = 100 * time.Millisecond
		var got shipment[int]
		acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 10, MaxWait: wait}), got.handle)
		time.Sleep(10 * wait)
		add(t, acc, 1)
		time.Sleep(wait - 1)
		synctest.Wait()
		if early := got.take(); len(early) > 0 {
			t.Fatalf("got %v before MaxWait", early)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if due := got.items(); !cmp.Equal(due, [][]int{{1}}) {
			t.Fatalf("got %v at MaxWait, want [[1]]", due)
		}
		mustClose(t, acc)
	})
}

func TestIdleClosesABatchWhenItemsStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const idle = 10 * time.Millisecond
		var got shipment[int]
		acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 100, MaxIdle: idle, MaxWait: 5 * idle}), got.handle)
		for i := range 4 {
			add(t, acc, i)
			time.Sleep(idle - 1)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		batches := got.take()
		if len(batches) != 1 || batches[0].Reason != accumulator.ReasonIdle || len(batches[0].Items) != 4 {
			t.Fatalf("got %+v, want four items by idle", batches)
		}
		for i := range 20 { // never idle: age must do it
			add(t, acc, i)
			time.Sleep(idle / 2)
		}
		synctest.Wait()
		for _, b := range got.take() {
			if b.Reason != accumulator.ReasonAge || b.Age() != 5*idle {
				t.Errorf("batch by %v after %v, want age after %v", b.Reason, b.Age(), 5*idle)
			}
		}
		mustClose(t, acc)
	})
}

func TestWeightIsACapNotATrigger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got shipment[string]
		stage := accumulator.New[string](accumulator.Config{MaxWeight: 5}).WeighBy(func(s string) int { return len(s) })
		acc := start(t, stage, got.handle)
		add(t, acc, "aaa", "bbb", "cc", "heavier", "d")
		mustClose(t, acc)
		batches := got.take()
		var items [][]string
		var weights []int
		for _, b := range batches {
			items, weights = append(items, b.Items), append(weights, b.Weight)
		}
		if d := cmp.Diff([][]string{{"aaa"}, {"bbb", "cc"}, {"heavier"}, {"d"}}, items); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]int{3, 5, 7, 1}, weights); d != "" {
			t.Error(d)
		}
	})
}

func TestAnOverweightItemGoesToTheRejectHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got shipment[string]
		var rejected []string
		stage := accumulator.New[string](accumulator.Config{MaxWeight: 5}).
			WeighBy(func(s string) int { return len(s) }).
			Reject(func(v string, err error) {
				var heavy *accumulator.OverweightError
				if !errors.As(err, &heavy) || heavy.Weight != len(v) || heavy.Max != 5 {
					t.Errorf("rejected with %v", err)
				}
				rejected = append(rejected, v)
			})
		acc := start(t, stage, got.handle)
		add(t, acc, "heavier", "ab")
		if n, err := acc.AddMany(t.Context(), []string{"c", "heaviest", "too heavy", "de"}); n != 4 || err != nil {
			t.Errorf("AddMany took %d: %v", n, err)
		}
		mustClose(t, acc)
		if d := cmp.Diff([]string{"heavier", "heaviest", "too heavy"}, rejected); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([][]string{{"ab", "c", "de"}}, got.items()); d != "" {
			t.Error(d)
		}
	})
}

func TestConfigErrorsNameTheField(t *testing.T) {
	for _, tc := range []struct {
		cfg  accumulator.Config
		want string
	}{
		{accumulator.Config{}, "MaxItems, MaxWeight, MaxWait and MaxIdle"},
		{accumulator.Config{MaxPending: 3}, "MaxItems, MaxWeight, MaxWait and MaxIdle"},
		{accumulator.Config{MaxItems: -1}, "Config.MaxItems is negative: -1"},
		{accumulator.Config{MaxItems: 1, MaxWeight: -2}, "Config.MaxWeight"},
		{accumulator.Config{MaxItems: 1, MaxWait: -2}, "Config.MaxWait"},
		{accumulator.Config{MaxItems: 1, MaxIdle: -2}, "Config.MaxIdle"},
		{accumulator.Config{MaxItems: 1, MaxKeys: -2}, "Config.MaxKeys"},
		{accumulator.Config{MaxItems: 1, MaxPending: -2}, "Config.MaxPending"},
		{accumulator.Config{MaxItems: 1, Workers: -2}, "Config.Workers"},
		{accumulator.Config{MaxItems: 1, WaitForKey: true}, "Config.WaitForKey"},
	} {
		_, started := accumulator.New[int](tc.cfg).Start(t.Context(), new(shipment[int]).handle)
		_, opened := accumulator.New[int](tc.cfg).Open(t.Context())
		_, buffer := accumulator.NewBuffer[int](tc.cfg)
		run := accumulator.New[int](tc.cfg).Run(t.Context(), nil, nil)
		for _, err := range []error{started, opened, buffer, run} {
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%+v: got error %v, want %q in it", tc.cfg, err, tc.want)
			}
		}
	}
}

func TestAStageSaysWhatItIsMissing(t *testing.T) {
	weights := accumulator.New[int](accumulator.Config{MaxWeight: 5})
	_, started := weights.Start(t.Context(), new(shipment[int]).handle)
	for _, err := range []error{started, weights.Run(t.Context(), nil, nil)} {
		if err == nil || !strings.Contains(err.Error(), "MaxWeight needs Stage.WeighBy") {
			t.Errorf("weights without a function: %v", err)
		}
	}
	if _, err := accumulator.New[int](accumulator.Config{MaxItems: 1}).Start(t.Context(), nil); err == nil {
		t.Error("started without a handler")
	}
}

func TestStatsCountWhatWasClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got shipment[int]
		acc := start(t, accumulator.New[int](accumulator.Config{MaxItems: 4, MaxWait: time.Second}), got.handle)
		add(t, acc, 1, 2, 3, 4) // full at once
		add(t, acc, 5)
		time.Sleep(time.Second) // by age, a quarter full
		synctest.Wait()
		add(t, acc, 6)
		s := acc.Stats()
		if s.Items != 5 || s.Batches != 2 || s.Open != 1 || s.Fill != 0.625 {
			t.Errorf("got %+v, want 5 items in 2 batches, 1 open, 62.5 %% full", s)
		}
		if s.Reasons[accumulator.ReasonSize] != 1 || s.Reasons[accumulator.ReasonAge] != 1 {
			t.Errorf("reasons %v, want one by size and one by age", s.Reasons)
		}
		if q := s.Wait.Quantile(1); s.Wait.Count() != 2 || q < time.Second || q >= 2*time.Second {
			t.Errorf("longest wait %v of %d, want at least 1s and less than 2s", q, s.Wait.Count())
		}
		if q := s.Wait.Quantile(0.5); q != 0 {
			t.Errorf("median wait %v, want 0", q)
		}
		mustClose(t, acc)
	})
}
