package accumulator_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/accumulator"
)

// counted counts how often each item is sent, and takes a minute for it.
type counted struct {
	mu   sync.Mutex
	sent map[int]int
}

func (c *counted) load(ctx context.Context, b intBatch) ([]found, error) {
	c.mu.Lock()
	if c.sent == nil {
		c.sent = map[int]int{}
	}
	for _, n := range b.Items {
		c.sent[n]++
	}
	c.mu.Unlock()
	time.Sleep(time.Minute)
	return names(ctx, b)
}

func (c *counted) check(t *testing.T, want map[int]int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := cmp.Diff(want, c.sent); d != "" {
		t.Error(d)
	}
}

func TestCallersShareAnItemUntilItsResultIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counted
		l := newLoader(t, accumulator.New[int](accumulator.Config{MaxItems: 100, MaxWait: time.Second, Workers: 2}), c.load)
		defer closeLoader(t, l)
		do := func(n int) (string, error) { return l.DoShared(t.Context(), "key", n) }
		for _, got := range doAll([]int{1, 1, 1, -1, 1}, func(n int) (string, error) {
			if n < 0 {
				time.Sleep(30 * time.Second) // the batch is on its way
				n = 1
			}
			return do(n)
		}) {
			if got != (reply{Name: "n1"}) {
				t.Errorf("got %v", got)
			}
		}
		c.check(t, map[int]int{1: 1})
		if _, err := do(1); err != nil {
			t.Error(err)
		}
		c.check(t, map[int]int{1: 2}) // nothing is remembered
	})
}

func TestOtherKeysAreNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counted
		l := newLoader(t, pairs, c.load)
		defer closeLoader(t, l)
		got := doAll([]int{1, -2}, func(n int) (string, error) { return l.DoShared(t.Context(), string(rune('a'+max(n, 0))), n) })
		if got[0] != (reply{Name: "n1"}) || !errors.Is(got[1].Err, errBoom) {
			t.Errorf("got %v", got)
		}
	})
}

// The first caller leaves: while its item waits for a batch, another one adds
// its own; while the batch is on its way, the others still get the result.
func TestAFirstCallerThatLeavesLeavesTheOthersTheirResult(t *testing.T) {
	for name, patience := range map[string]time.Duration{"before a batch": 10 * time.Second, "on its way": 90 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var c counted
				l := newLoader(t, accumulator.New[int](accumulator.Config{MaxItems: 1, MaxPending: 1}), c.load)
				defer closeLoader(t, l)
				var wg sync.WaitGroup
				wg.Go(func() { _, _ = l.Do(t.Context(), 9) })
				synctest.Wait()
				wg.Go(func() {
					if _, err := l.DoShared(within(t, patience), "key", 1); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("the first: %v", err)
					}
				})
				synctest.Wait()
				for range 3 {
					wg.Go(func() {
						if got, err := l.DoShared(t.Context(), "key", 1); got != "n1" || err != nil {
							t.Errorf("another: %q, %v", got, err)
						}
					})
				}
				wg.Wait()
				c.check(t, map[int]int{9: 1, 1: 1})
			})
		})
	}
}

func TestAFollowerCanLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counted
		l := newLoader(t, accumulator.New[int](accumulator.Config{MaxItems: 1, MaxPending: 1}), c.load)
		defer closeLoader(t, l)
		got := doAll([]int{0, 1, 2}, func(n int) (string, error) {
			time.Sleep(time.Duration(n) * time.Second)
			if n < 2 {
				return l.DoShared(t.Context(), string(rune('a'+n)), n)
			}
			return l.DoShared(within(t, time.Second), "b", n)
		})
		if got[0].Err != nil || got[1] != (reply{Name: "n1"}) || !errors.Is(got[2].Err, context.DeadlineExceeded) {
			t.Errorf("got %v", got)
		}
	})
}

func TestAllThatShareHearThatTheLoaderIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoader(t, pairs, names)
		closeLoader(t, l)
		for _, got := range doAll([]int{1, 1, 1}, func(n int) (string, error) { return l.DoShared(t.Context(), "key", n) }) {
			if !errors.Is(got.Err, accumulator.ErrClosed) {
				t.Errorf("got %v", got)
			}
		}
	})
}

// A panic that a server recovers from holds up nobody who asks for the same.
func TestAPanicOfTheCallerThatAddsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := true
		l := newLoader(t, accumulator.New[int](accumulator.Config{MaxWeight: 5, MaxWait: time.Second}).WeighBy(func(int) int {
			if broken {
				panic("weight")
			}
			return 1
		}), names)
		defer closeLoader(t, l)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_, _ = l.DoShared(t.Context(), "k", 1)
		}()
		broken = false
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if got, err := l.DoShared(ctx, "k", 1); got != "n1" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
}
