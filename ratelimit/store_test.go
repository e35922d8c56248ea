package ratelimit_test

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/ratelimit"
)

func openLanes(t *testing.T, dir string) *state.Badger {
	t.Helper()
	store, err := state.OpenBadger(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestReservationsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	config := ratelimit.CapacityConfig{Fallback: ratelimit.Load{Batches: 5}}
	one := ratelimit.Load{Tokens: 1000, Rows: 10, Batches: 1}

	store := openLanes(t, dir)
	config.Store = state.NewCapacity(store, "account")
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
	config.Store = state.NewCapacity(store, "account")
	held, err := newCapacity(t, config).Held(t.Context(), "mini")
	if err != nil || len(held) != 5 {
		t.Errorf("%d batches hold the lane after a restart, %v; want 5", len(held), err)
	}
}
