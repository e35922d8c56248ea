package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/ratelimit"
)

// lanes makes a ratelimit.Store of a state store, whose writes are checked
// against the revision that was read.
type lanes struct{ state.Store }

func (s lanes) Update(ctx context.Context, lane string, change func(old []byte) ([]byte, error)) error {
	key := []byte("lane/" + lane)
	for {
		old, err := s.Get(ctx, key)
		if err != nil && !errors.Is(err, state.ErrNotFound) {
			return err
		}
		value, err := change(old.Value)
		if err != nil {
			return err
		}
		op := state.Insert(key, value)
		if old.Rev > 0 {
			op = state.Replace(key, value, old.Rev)
		}
		if err := s.Commit(ctx, op); !errors.Is(err, state.ErrConflict) {
			return err
		}
	}
}

func openLanes(t *testing.T, dir string) lanes {
	t.Helper()
	store, err := state.OpenBadger(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return lanes{store}
}

func TestReservationsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	config := ratelimit.CapacityConfig{Fallback: ratelimit.Load{Batches: 5}}
	one := ratelimit.Load{Tokens: 1000, Rows: 10, Batches: 1}

	store := openLanes(t, dir)
	config.Store = store
	var reserved sync.WaitGroup
	for run := range 10 { // of which five find room
		reserved.Go(func() {
			c := newCapacity(t, config)
			if _, err := c.TryReserve(t.Context(), "mini", fmt.Sprint("batch-", run), one); err != nil {
				t.Error(err)
			}
		})
	}
	reserved.Wait()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	store = openLanes(t, dir)
	defer func() { _ = store.Close() }()
	config.Store = store
	held, err := newCapacity(t, config).Held(t.Context(), "mini")
	if err != nil || len(held) != 5 {
		t.Errorf("%d batches hold the lane after a restart, %v; want 5", len(held), err)
	}
}
