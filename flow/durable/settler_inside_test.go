package durable

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/journal"
)

// An Output whose Write failed may hold those results. If others were written
// and recorded after them, its mark would cover both, and the first would come
// twice. A batch that waited for its turn while the Write failed must not have
// it.
func TestAnOutputThatFailedIsNotWrittenToAgain(t *testing.T) {
	writes, broken := 0, errors.New("broken")
	s := &settler{config: &config{output: each(func(context.Context, Result) error {
		writes++
		return broken
	})}}
	for range 2 {
		if err := s.deliver(t.Context(), make([]Result, 1)); !errors.Is(err, broken) {
			t.Errorf("err = %v", err)
		}
	}
	if writes != 1 {
		t.Errorf("%d writes", writes)
	}
}

// The results of a chunk stand in the output, and their record fails. Another
// chunk must not be recorded: its mark would cover both.
func TestAfterARecordThatFailedNothingIsRecorded(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	j, err := journal.Open(root, "journal", "j", func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil { // so that nothing can be written to it
		t.Fatal(err)
	}
	s := &settler{clock: &clock{config: &config{}}, batches: &batches{journal: j}, canary: &canaryWatch{}}
	if err := (&chunk{s: s, rows: 1}).record(t.Context(), jobdir.OutputState{}, true); !errors.Is(err, os.ErrClosed) {
		t.Errorf("err = %v", err)
	}
	if s.batches.journal, err = journal.Open(root, "journal", "j", func([]byte) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := (&chunk{s: s, rows: 1}).record(t.Context(), jobdir.OutputState{}, true); !errors.Is(err, os.ErrClosed) {
		t.Errorf("err = %v", err)
	}
	if err := s.batches.journal.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err := root.ReadFile("journal"); err != nil || len(b) > 0 {
		t.Errorf("%q was written, %v", b, err)
	}
}
