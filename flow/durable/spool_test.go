package durable_test

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/simulator"
)

// What cannot be read again is kept with the run, and goes with it.
func TestAnInputIsKeptBesideItsRun(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	text := strings.Join(durabletest.Tickets(20), "\n")
	broken := errors.New("the pipe broke")
	if _, err := w.StateDir().Spool("tickets", io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if s, err := w.StateDir().Spooled("tickets", ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a part of an input counts: %+v, %v", s, err)
	}
	kept, err := w.StateDir().Spool("tickets", strings.NewReader(text))
	if err != nil || kept.Size != int64(len(text)) {
		t.Fatalf("%+v, %v", kept, err)
	}
	info, err := os.Stat(kept.Path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	job := w.Job()
	job.Batch.MaxItems, job.Source = 5, source.JSONL[durabletest.Ticket](kept.Path)
	w.Leave(job, 1)
	again, err := w.StateDir().Spool("tickets", strings.NewReader(text))
	if err != nil || again != kept {
		t.Errorf("%+v, %v, want %+v", again, err, kept)
	}
	other, err := w.StateDir().Spool("tickets", strings.NewReader("other"))
	if err != nil || other.Path == kept.Path {
		t.Errorf("%+v, %v", other, err)
	}
	if s, err := w.StateDir().Spooled("tickets", kept.Digest); err != nil || s != kept {
		t.Errorf("%+v, %v", s, err)
	}
	job.Source = source.JSONL[durabletest.Ticket](kept.Path)
	w.MustRun(job)
	pruned, err := archive.Prune(t.Context(), w.StateDir(), archive.Retention{Name: "tickets"})
	if err != nil || len(pruned) != 1 || pruned[0].Bytes < kept.Size+other.Size {
		t.Errorf("%+v, %v", pruned, err)
	}
	if _, err := os.Stat(kept.Path); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestAnInputIsForgottenWithItsRun(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	kept, err := w.StateDir().Spool("early", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.StateDir().Forget(t.Context(), "early", false); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(kept.Path); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if all, err := w.StateDir().Runs(); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
	var none durable.Spooled
	if s, err := w.StateDir().Spooled("early", ""); s != none || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%+v, %v", s, err)
	}
}
