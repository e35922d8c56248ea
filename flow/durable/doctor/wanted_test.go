package doctor_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/doctor"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/simulator"
)

// What is wanted of a run is not forgotten, or taken for what is wanted of
// another, when a file that says so is lost, damaged or exchanged.
func TestWhatIsWantedSurvivesALostFile(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(10)...)
	for _, name := range []string{"cancelled", "wanted"} {
		job := w.Job()
		job.Name = name
		if _, err := w.With(t.Context(), job, durable.Ingest[durabletest.Ticket]); err != nil {
			t.Fatal(err)
		}
		h, err := w.StateDir().Attach(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(h.Pause(t.Context()), h.Resume(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	h, err := w.StateDir().Attach("cancelled")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	dirs := durabletest.FirstOf(t, w.Path("state/runs/*"), 2)
	wanted := func() map[string]durable.State {
		all, err := w.StateDir().Runs()
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]durable.State)
		for _, s := range all {
			got[s.Name] = s.Wanted
		}
		return got
	}
	check := func(what string) {
		t.Helper()
		if got := wanted(); got["cancelled"] != durable.StateCancelled || got["wanted"] != durable.StateRunning {
			t.Errorf("%s: %v", what, got)
		}
		h, err := doctor.Examine(t.Context(), w.StateDir())
		if err != nil || len(h.Problems) == 0 || !h.Needs(doctor.RepairBatchFiles) {
			t.Errorf("%s: %+v, %v", what, h, err)
		}
		if err := doctor.RepairFiles(t.Context(), w.StateDir()); err != nil {
			t.Fatal(err)
		}
		if h, err = doctor.Examine(t.Context(), w.StateDir()); err != nil || len(h.Problems) > 0 {
			t.Errorf("%s, repaired: %+v, %v", what, h, err)
		}
	}
	for _, name := range []string{"control.json", "control.copy"} {
		for how, do := range durabletest.Harms {
			for _, dir := range dirs {
				durabletest.Harm(t, filepath.Join(dir, name), do)
			}
			check(name + " " + how)
		}
		durabletest.Exchange(w.T, filepath.Join(dirs[0], name), filepath.Join(dirs[1], name))
		check(name + " exchanged")
		b, err := os.ReadFile(filepath.Join(dirs[0], name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dirs[1], name), b, 0o600); err != nil {
			t.Fatal(err)
		}
		check(name + " copied")
	}
}
