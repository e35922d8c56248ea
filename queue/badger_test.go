package queue_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/queue"
)

// stateStore keeps a durable queue in a state store. That one deletes nothing,
// so what is done is marked.
type stateStore struct{ state.Store }

const (
	done   = 0
	queued = 1
)

func (s stateStore) Commit(ctx context.Context, keys, values [][]byte) error {
	ops := make([]state.Op, len(keys))
	for i, key := range keys {
		if values[i] == nil {
			ops[i] = state.Put(key, []byte{done}, 2)
			continue
		}
		ops[i] = state.Put(key, append([]byte{queued}, values[i]...), 1)
	}
	return s.Store.Commit(ctx, ops...)
}

func (s stateStore) Scan(ctx context.Context, prefix, from []byte, yield func(key, value []byte) bool) error {
	for r, err := range s.Store.Scan(ctx, prefix, from) {
		if err != nil {
			return err
		}
		if r.Value[0] == queued && !yield(r.Key, r.Value[1:]) {
			return nil
		}
	}
	return nil
}

func openBadger(t *testing.T, dir string) stateStore {
	t.Helper()
	db, err := state.OpenBadger(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return stateStore{db}
}

func TestDurableOnBadgerSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	s := openBadger(t, dir)
	d := open(t, s)
	var tasks []task
	for i := range 3000 {
		tasks = append(tasks, task{i, queue.Priority(i % 3)})
	}
	push(t, d, tasks...)
	first, err := d.PopMany(t.Context(), 1500) // all of level 2, half of level 1
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Ack(t.Context(), first[:1200]...); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = openBadger(t, dir)
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	d = open(t, s)
	want := numbers(first[1200:])
	for _, v := range tasks {
		if v.Pri == 1 && v.ID > want[len(want)-1] {
			want = append(want, v.ID)
		}
	}
	for _, v := range tasks {
		if v.Pri == 0 {
			want = append(want, v.ID)
		}
	}
	if got := numbers(popAll(t, d)); !slices.Equal(got, want) {
		t.Errorf("after the restart came %d items, not %d", len(got), len(want))
	}
}
