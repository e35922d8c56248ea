package queue_test

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/queue"
)

func openBadger(t *testing.T, dir string) *state.Badger {
	t.Helper()
	db, err := state.OpenBadger(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestDurableOnBadgerSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	s := openBadger(t, dir)
	d := open(t, state.NewQueue(s))
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
	d = open(t, state.NewQueue(s))
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
