package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/balerhq/baler/ratelimit"
)

// shelf is a store that several runs share.
type shelf struct {
	mu      sync.Mutex
	records map[string][]byte
}

func (s *shelf) Update(_ context.Context, key string, change func([]byte) ([]byte, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := change(s.records[key]); err != nil { // once for nothing, as after a conflict
		return err
	}
	record, err := change(s.records[key])
	if err == nil {
		s.records[key] = record
	}
	return err
}

func newCapacity(t *testing.T, c ratelimit.CapacityConfig) *ratelimit.Capacity {
	t.Helper()
	capacity, err := ratelimit.NewCapacity(c)
	if err != nil {
		t.Fatal(err)
	}
	return capacity
}

func TestEachLimitOfALaneHolds(t *testing.T) {
	c := newCapacity(t, ratelimit.CapacityConfig{
		Limits:   map[string]ratelimit.Load{"mini": {Tokens: 100, Rows: 10, Batches: 2}},
		Fallback: ratelimit.Load{Batches: 1},
	})
	reserve := func(lane, batch string, load ratelimit.Load) bool {
		ok, err := c.TryReserve(t.Context(), lane, batch, load)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if !reserve("mini", "a", ratelimit.Load{Tokens: 60, Rows: 5, Batches: 1}) {
		t.Fatal("an empty lane refused")
	}
	for _, load := range []ratelimit.Load{{Tokens: 41}, {Rows: 6}, {Batches: 2}} {
		if reserve("mini", "b", load) {
			t.Errorf("%+v was reserved above the limit", load)
		}
	}
	if !reserve("mini", "b", ratelimit.Load{Tokens: 40, Rows: 5, Batches: 1}) {
		t.Error("what just fits was refused")
	}
	if !reserve("other", "x", ratelimit.Load{Tokens: 1e9, Batches: 1}) || reserve("other", "y", ratelimit.Load{Batches: 1}) {
		t.Error("the fallback is not one batch of any size")
	}
}

func TestReservationsAreByName(t *testing.T) {
	c := newCapacity(t, ratelimit.CapacityConfig{Fallback: ratelimit.Load{Tokens: 100}})
	half := ratelimit.Load{Tokens: 50, Batches: 1}
	for range 5 {
		if err := c.Reserve(t.Context(), "mini", "a", half); err != nil {
			t.Fatal(err)
		}
	}
	held, err := c.Held(t.Context(), "mini")
	if diff := cmp.Diff(map[string]ratelimit.Load{"a": half}, held); diff != "" || err != nil {
		t.Errorf("held after reserving five times -want +got:\n%s%v", diff, err)
	}
	for range 2 {
		if err := c.Release(t.Context(), "mini", "a"); err != nil {
			t.Fatal(err)
		}
	}
	if held, _ := c.Held(t.Context(), "mini"); len(held) != 0 {
		t.Errorf("held after release: %v", held)
	}
}

func TestReserveWaitsInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCapacity(t, ratelimit.CapacityConfig{Fallback: ratelimit.Load{Tokens: 100}, Poll: time.Hour})
		ctx := t.Context()
		reserve := func(batch string, tokens int) {
			if err := c.Reserve(ctx, "mini", batch, ratelimit.Load{Tokens: tokens}); err != nil {
				t.Error(err)
			}
		}
		held := func() string {
			all, err := c.Held(ctx, "mini")
			if err != nil {
				t.Error(err)
			}
			return strings.Join(slices.Sorted(maps.Keys(all)), " ")
		}
		reserve("first", 60)
		var waiting sync.WaitGroup
		waiting.Go(func() { reserve("large", 90) })
		synctest.Wait()
		waiting.Go(func() { reserve("small", 10) })
		synctest.Wait()
		if held() != "first" {
			t.Errorf("%s hold the lane, want the small batch behind the large one that came first", held())
		}
		start := time.Now()
		if err := c.Release(ctx, "mini", "first"); err != nil {
			t.Fatal(err)
		}
		waiting.Wait()
		if held() != "large small" || time.Since(start) != 0 {
			t.Errorf("%s hold the lane after %s, want both at once", held(), time.Since(start))
		}
	})
}

// Of those that wait, the highest priority is the first.
func TestReserveFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCapacity(t, ratelimit.CapacityConfig{Fallback: ratelimit.Load{Batches: 1}, Poll: time.Hour})
		one := ratelimit.Load{Batches: 1}
		if err := c.Reserve(t.Context(), "mini", "open", one); err != nil {
			t.Fatal(err)
		}
		got, start := make(chan string, 5), time.Now()
		ended, end := context.WithCancel(t.Context())
		var waiting sync.WaitGroup
		for _, w := range []struct {
			batch    string
			priority int
		}{{"low", -1}, {"normal", 0}, {"high", 1}, {"second", 1}, {"gone", 2}} {
			ctx := t.Context()
			if w.batch == "gone" {
				ctx = ended
			}
			waiting.Go(func() {
				if err := c.ReserveFirst(ctx, w.priority, "mini", w.batch, one); err != nil {
					return
				}
				got <- w.batch
				if err := c.Release(ctx, "mini", w.batch); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		end()
		synctest.Wait()
		if err := c.Release(t.Context(), "mini", "open"); err != nil {
			t.Fatal(err)
		}
		waiting.Wait()
		close(got)
		var order []string
		for batch := range got {
			order = append(order, batch)
		}
		if want := []string{"high", "second", "normal", "low"}; !slices.Equal(order, want) || time.Since(start) != 0 {
			t.Errorf("%v after %s, want %v at once", order, time.Since(start), want)
		}
	})
}

// A run that was restarted reserves again what it holds. Were it to wait in
// turn, it could wait for itself.
func TestReservingAgainDoesNotWaitInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCapacity(t, ratelimit.CapacityConfig{Fallback: ratelimit.Load{Batches: 1}})
		one := ratelimit.Load{Batches: 1}
		if err := c.Reserve(t.Context(), "mini", "old", one); err != nil {
			t.Fatal(err)
		}
		next := make(chan error, 1)
		go func() { next <- c.Reserve(t.Context(), "mini", "next", one) }()
		synctest.Wait()
		start := time.Now()
		if err := c.Reserve(t.Context(), "mini", "old", one); err != nil || time.Since(start) != 0 {
			t.Errorf("Reserve = %v after %s", err, time.Since(start))
		}
		if err := c.Release(t.Context(), "mini", "old"); err != nil {
			t.Fatal(err)
		}
		if err := <-next; err != nil {
			t.Error(err)
		}
	})
}

func TestRunsShareAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := ratelimit.CapacityConfig{
			Fallback: ratelimit.Load{Batches: 1},
			Store:    &shelf{records: make(map[string][]byte)},
		}
		one, other := newCapacity(t, config), newCapacity(t, config)
		batch := ratelimit.Load{Batches: 1}
		if err := one.Reserve(t.Context(), "mini", "a", batch); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		time.AfterFunc(time.Minute+time.Second, func() { _ = one.Release(context.Background(), "mini", "a") })
		if err := other.Reserve(t.Context(), "mini", "b", batch); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited != 70*time.Second {
			t.Errorf("the other run waited %s, want until its first look after the release", waited)
		}
	})
}

func TestReserveFailsRatherThanWaitForEver(t *testing.T) {
	c := newCapacity(t, ratelimit.CapacityConfig{Fallback: ratelimit.Load{Rows: 10}})
	if err := c.Reserve(t.Context(), "mini", "a", ratelimit.Load{Rows: 11}); !errors.Is(err, ratelimit.ErrTooLarge) {
		t.Errorf("Reserve = %v, want ErrTooLarge", err)
	}
	if err := c.Reserve(t.Context(), "mini", "a", ratelimit.Load{Rows: -1}); err == nil || !strings.Contains(err.Error(), "Rows") {
		t.Errorf("a negative load: %v", err)
	}
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	if err := c.Reserve(ctx, "mini", "a", ratelimit.Load{Rows: 10}); err != nil {
		t.Fatal(err)
	}
	cancel(gone)
	if err := c.Reserve(ctx, "mini", "b", ratelimit.Load{Rows: 10}); !errors.Is(err, gone) {
		t.Errorf("Reserve = %v, want the cause", err)
	}
}

func TestDamagedRecordIsAnError(t *testing.T) {
	for _, record := range []string{"{", "null", "[]", `{"a":{"tokens":-1}}`} {
		c := newCapacity(t, ratelimit.CapacityConfig{Store: &shelf{records: map[string][]byte{"mini": []byte(record)}}})
		if _, err := c.Held(t.Context(), "mini"); err == nil {
			t.Errorf("%s was read as a lane", record)
		}
		if err := c.Reserve(t.Context(), "mini", "a", ratelimit.Load{}); err == nil {
			t.Errorf("%s was written over", record)
		}
	}
}

func TestCapacityConfigIsChecked(t *testing.T) {
	bad := ratelimit.Load{Tokens: -1}
	for field, c := range map[string]ratelimit.CapacityConfig{
		"Limits":   {Limits: map[string]ratelimit.Load{"mini": bad}},
		"Fallback": {Fallback: bad},
		"Poll":     {Poll: -1},
	} {
		if _, err := ratelimit.NewCapacity(c); err == nil || !strings.Contains(err.Error(), "CapacityConfig."+field) {
			t.Errorf("%s: %v does not name it", field, err)
		}
	}
}

// Whatever runs reserve and release through a common store, no lane ever holds
// more than its limit, and in the end it is empty.
func TestLanesNeverOverflow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := ratelimit.Load{Tokens: 100, Rows: 20, Batches: 3}
		config := ratelimit.CapacityConfig{Fallback: limit, Store: &shelf{records: make(map[string][]byte)}}
		runs := []*ratelimit.Capacity{newCapacity(t, config), newCapacity(t, config)}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			run := rapid.SampledFrom(runs).Draw(rt, "run")
			batch := fmt.Sprint(rapid.IntRange(0, 5).Draw(rt, "batch"))
			if rapid.Bool().Draw(rt, "release") {
				_ = run.Release(t.Context(), "mini", batch)
				continue
			}
			load := ratelimit.Load{Tokens: rapid.IntRange(0, 100).Draw(rt, "tokens"), Rows: rapid.IntRange(0, 20).Draw(rt, "rows"), Batches: 1}
			ok, err := run.TryReserve(t.Context(), "mini", batch, load)
			held, _ := runs[0].Held(t.Context(), "mini")
			if _, there := held[batch]; err != nil || ok != there {
				rt.Fatalf("TryReserve = %v, %v, but the batch is in the lane: %v", ok, err, there)
			}
			var sum ratelimit.Load
			for _, l := range held {
				sum.Tokens, sum.Rows, sum.Batches = sum.Tokens+l.Tokens, sum.Rows+l.Rows, sum.Batches+l.Batches
			}
			if sum.Tokens > limit.Tokens || sum.Rows > limit.Rows || sum.Batches > limit.Batches {
				rt.Fatalf("the lane holds %+v", sum)
			}
		}
	})
}

// A limit that is learned while batches wait counts at once, in both
// directions.
func TestANewLimitOfALaneCountsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCapacity(t, ratelimit.CapacityConfig{Poll: time.Hour})
		limit := func(tokens int) {
			if err := c.SetLimit("mini", ratelimit.Load{Tokens: tokens}); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Reserve(t.Context(), "mini", "first", ratelimit.Load{Tokens: 60}); err != nil {
			t.Fatal(err)
		}
		limit(100)
		var waiting sync.WaitGroup
		var err error
		waiting.Go(func() { err = c.Reserve(t.Context(), "mini", "second", ratelimit.Load{Tokens: 60}) })
		synctest.Wait()
		start := time.Now()
		limit(120)
		if waiting.Wait(); err != nil || time.Since(start) != 0 {
			t.Errorf("a wider limit let it through after %s, %v", time.Since(start), err)
		}
		waiting.Go(func() { err = c.Reserve(t.Context(), "mini", "third", ratelimit.Load{Tokens: 60}) })
		synctest.Wait()
		limit(50)
		if waiting.Wait(); !errors.Is(err, ratelimit.ErrTooLarge) || time.Since(start) != 0 {
			t.Errorf("a narrower limit says %v after %s", err, time.Since(start))
		}
		if err := c.SetLimit("mini", ratelimit.Load{Rows: -1}); err == nil {
			t.Error("a negative limit was set")
		}
	})
}

// What the provider has already counts, also above the limit.
func TestWhatIsRecordedCountsAboveTheLimit(t *testing.T) {
	c := newCapacity(t, ratelimit.CapacityConfig{Fallback: ratelimit.Load{Tokens: 100}})
	for _, load := range []ratelimit.Load{{Tokens: 150}, {Tokens: 1}} { // the second time changes nothing
		if err := c.Record(t.Context(), "mini", "running", load); err != nil {
			t.Fatal(err)
		}
	}
	if ok, err := c.TryReserve(t.Context(), "mini", "next", ratelimit.Load{Tokens: 1}); ok || err != nil {
		t.Errorf("a full lane took one more, %v", err)
	}
	if err := c.Release(t.Context(), "mini", "running"); err != nil {
		t.Fatal(err)
	}
	if ok, err := c.TryReserve(t.Context(), "mini", "next", ratelimit.Load{Tokens: 100}); !ok || err != nil {
		t.Errorf("an empty lane refused, %v", err)
	}
	if err := c.Record(t.Context(), "mini", "odd", ratelimit.Load{Tokens: -1}); err == nil {
		t.Error("a negative load was recorded")
	}
}

// A batch that does not wait is not ahead of one that does.
func TestTryReserveDoesNotOvertake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCapacity(t, ratelimit.CapacityConfig{Fallback: ratelimit.Load{Tokens: 100}, Poll: time.Hour})
		try := func(batch string, tokens int) bool {
			ok, err := c.TryReserve(t.Context(), "mini", batch, ratelimit.Load{Tokens: tokens})
			if err != nil {
				t.Error(err)
			}
			return ok
		}
		if !try("first", 60) {
			t.Fatal("an empty lane refused")
		}
		ctx, cancel := context.WithCancel(t.Context())
		var waiting sync.WaitGroup
		waiting.Go(func() { _ = c.Reserve(ctx, "mini", "large", ratelimit.Load{Tokens: 90}) })
		synctest.Wait()
		if try("small", 10) || !try("first", 60) {
			t.Error("a small batch overtook one that waits, or what is reserved was not")
		}
		cancel()
		waiting.Wait()
		if !try("small", 10) {
			t.Error("nothing waits any more, and a small batch was refused")
		}
	})
}
