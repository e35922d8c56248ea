package state_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/ratelimit"
)

var oneBatch = ratelimit.Load{Tokens: 1_000_000, Rows: 10_000, Batches: 1}

func newCapacity(t *testing.T, s state.Store, limit ratelimit.Load) *ratelimit.Capacity {
	t.Helper()
	c, err := ratelimit.NewCapacity(ratelimit.CapacityConfig{Fallback: limit, Store: state.NewCapacity(s, "account")})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Many more than one record holds are reserved, survive, and are released.
func TestReservationsSurviveARestart(t *testing.T) {
	for kind, start := range stores {
		t.Run(kind, func(t *testing.T) {
			reopen := start(t)
			const batches = 120
			name := func(i int) string { return fmt.Sprintf("batch_6912c0ffee%016d", i) }
			c := newCapacity(t, reopen(), ratelimit.Load{Batches: batches})
			for i := range batches {
				if ok, err := c.TryReserve(t.Context(), "mini", name(i), oneBatch); !ok || err != nil {
					t.Fatalf("batch %d: %v, %v", i, ok, err)
				}
			}
			store := reopen()
			c = newCapacity(t, store, ratelimit.Load{Batches: batches})
			if ok, err := c.TryReserve(t.Context(), "mini", "one more", oneBatch); ok || err != nil {
				t.Errorf("a full lane took one more, %v", err)
			}
			most := len(records(t, store, "C"))
			for i := 1; i < batches; i++ {
				if err := c.Release(t.Context(), "mini", name(i)); err != nil {
					t.Fatal(err)
				}
			}
			store = reopen()
			held, err := newCapacity(t, store, ratelimit.Load{}).Held(t.Context(), "mini")
			if _, there := held[name(0)]; err != nil || len(held) != 1 || !there {
				t.Errorf("held at the end: %v, %v", held, err)
			}
			if n := len(records(t, store, "C")); most < 2 || n != most {
				t.Errorf("%d records, %d at most", n, most)
			}
		})
	}
}

func TestRunsOnOneLaneNeverExceedItsLimit(t *testing.T) {
	for kind, start := range stores {
		t.Run(kind, func(t *testing.T) {
			reopen := start(t)
			store := reopen()
			const runs, limit = 4, 70 // more than one record
			reserved := make(chan string, runs*limit)
			var all sync.WaitGroup
			for run := range runs {
				c := newCapacity(t, store, ratelimit.Load{Batches: limit})
				all.Go(func() {
					for i := range limit {
						batch := fmt.Sprintf("batch of run %d, number %d", run, i)
						ok, err := c.TryReserve(t.Context(), "mini", batch, oneBatch)
						if err != nil {
							t.Error(err)
						}
						if ok {
							reserved <- batch
						}
					}
				})
			}
			all.Wait()
			close(reserved)
			held, err := newCapacity(t, store, ratelimit.Load{}).Held(t.Context(), "mini")
			if err != nil || len(held) != limit || len(reserved) != limit {
				t.Fatalf("%d are held and %d were granted of %d, %v", len(held), len(reserved), limit, err)
			}
			for batch := range reserved {
				if _, there := held[batch]; !there {
					t.Errorf("%s was granted and is not held", batch)
				}
			}
		})
	}
}

// Two writers lose no update of each other, also where the value comes to need
// another record.
func TestCapacityLosesNoUpdate(t *testing.T) {
	for kind, start := range stores {
		t.Run(kind, func(t *testing.T) {
			reopen := start(t)
			store := reopen()
			const start, each = state.MaxValue - 30, 50
			if err := state.NewCapacity(store, "account").Update(t.Context(), "mini", func([]byte) ([]byte, error) {
				return make([]byte, start), nil
			}); err != nil {
				t.Fatal(err)
			}
			var writers sync.WaitGroup
			for range 2 {
				c := state.NewCapacity(store, "account")
				writers.Go(func() {
					for range each {
						if err := c.Update(t.Context(), "mini", func(old []byte) ([]byte, error) { return append(old, 1), nil }); err != nil {
							t.Error(err)
						}
					}
				})
			}
			writers.Wait()
			if got := lane(t, state.NewCapacity(store, "account"), "mini"); len(got) != start+2*each {
				t.Errorf("%d bytes, want %d", len(got), start+2*each)
			}
		})
	}
}

var errSeen = errors.New("seen")

// lane reads a lane, by an update that writes nothing.
func lane(tb rapid.TB, c *state.Capacity, lane string) (value []byte) {
	tb.Helper()
	err := c.Update(context.Background(), lane, func(old []byte) ([]byte, error) {
		value = old
		return nil, errSeen
	})
	if !errors.Is(err, errSeen) {
		tb.Fatalf("the change's error became %v", err)
	}
	return value
}

func TestCapacityAgreesWithModel(t *testing.T) {
	for kind, start := range stores {
		t.Run(kind, func(t *testing.T) {
			reopen := start(t)
			store, run := reopen(), 0
			rapid.Check(t, func(rt *rapid.T) {
				run++
				c, model := state.NewCapacity(store, fmt.Sprint(run)), map[string][]byte{}
				for i := range rapid.IntRange(1, 8).Draw(rt, "steps") {
					name := rapid.SampledFrom([]string{"", "mini", "mini/4"}).Draw(rt, "lane")
					if got := lane(rt, c, name); !bytes.Equal(got, model[name]) || (model[name] == nil) != (got == nil) {
						rt.Fatalf("%q has %d bytes, want %d", name, len(got), len(model[name]))
					}
					n := rapid.OneOf(rapid.Just(0), rapid.SampledFrom([]int{1, 2, 3}), rapid.IntRange(0, 3*state.MaxValue)).Draw(rt, "bytes")
					if n > 0 && n <= 3 {
						n *= state.MaxValue
					}
					value := bytes.Repeat([]byte{byte(i)}, n)
					if err := c.Update(t.Context(), name, func([]byte) ([]byte, error) { return value, nil }); err != nil {
						rt.Fatal(err)
					}
					if model[name] = value; n == 0 && lane(rt, c, name) == nil {
						model[name] = nil // empty is as good as none
					}
				}
			})
		})
	}
}

func TestCapacityRefusesALaneThatIsTooLarge(t *testing.T) {
	for kind, start := range stores {
		t.Run(kind, func(t *testing.T) {
			reopen := start(t)
			c := state.NewCapacity(reopen(), "account")
			set := func(n int) error {
				return c.Update(t.Context(), "mini", func([]byte) ([]byte, error) { return make([]byte, n), nil })
			}
			if err := set(512 << 10); err != nil {
				t.Error(err)
			}
			if err := set(512<<10 + 1); !errors.Is(err, state.ErrTooLarge) {
				t.Errorf("got %v, want ErrTooLarge", err)
			}
			if n := len(lane(t, c, "mini")); n != 512<<10 {
				t.Errorf("%d bytes after the refusal", n)
			}
		})
	}
}

func TestCapacityNoticesAMissingPiece(t *testing.T) {
	store := state.NewMemory()
	c := state.NewCapacity(store, "account")
	if err := c.Update(t.Context(), "mini", func([]byte) ([]byte, error) { return []byte("a"), nil }); err != nil {
		t.Fatal(err)
	}
	for key := range records(t, store, "C") {
		third := append([]byte(key[:len(key)-1]), 2)
		if err := store.Commit(t.Context(), state.Insert(third, []byte("c"))); err != nil {
			t.Fatal(err)
		}
	}
	err := c.Update(t.Context(), "mini", func(old []byte) ([]byte, error) { return old, nil })
	if !errors.Is(err, state.ErrDamaged) {
		t.Errorf("got %v, want ErrDamaged", err)
	}
}
