package durable_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/doctor"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// What is wanted of a run is not forgotten, or taken for what is wanted of another,
// when a file that says so is lost, damaged or exchanged.
func TestWhatIsWantedSurvivesALostFile(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(10)...)
	for _, name := range []string{"cancelled", "wanted"} {
		job := w.job()
		job.Name = name
		if _, err := w.with(t.Context(), job, durable.Ingest[ticket]); err != nil {
			t.Fatal(err)
		}
		h, err := durable.Attach(w.path("state"), name)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(h.Pause(t.Context()), h.Resume(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	h, err := durable.Attach(w.path("state"), "cancelled")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	dirs := firstOf(t, w.path("state/runs/*"), 2)
	wanted := func() map[string]durable.State {
		all, err := durable.Runs(w.path("state"))
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
		if got := wanted(); got["cancelled"] != durable.Cancelled || got["wanted"] != durable.Running {
			t.Errorf("%s: %v", what, got)
		}
		h, err := doctor.Examine(t.Context(), w.path("state"), quiet)
		if err != nil || len(h.Problems) == 0 || !h.Needs(doctor.RepairBatchFiles) {
			t.Errorf("%s: %+v, %v", what, h, err)
		}
		if err := doctor.RepairFiles(t.Context(), w.path("state"), quiet); err != nil {
			t.Fatal(err)
		}
		if h, err = doctor.Examine(t.Context(), w.path("state"), quiet); err != nil || len(h.Problems) > 0 {
			t.Errorf("%s, repaired: %+v, %v", what, h, err)
		}
	}
	for _, name := range []string{"control.json", "control.copy"} {
		for how, do := range harms {
			for _, dir := range dirs {
				harm(t, filepath.Join(dir, name), do)
			}
			check(name + " " + how)
		}
		w.exchange(filepath.Join(dirs[0], name), filepath.Join(dirs[1], name))
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

// What a person has decided is never taken for the other decision, whatever becomes
// of the file that says so: it is refused, or the person is asked again.
func TestALostDecisionIsAskedForAgain(t *testing.T) {
	t.Parallel()
	for how, do := range harms {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			b := &broken{body: half}
			bubble(t, simulator.Config{}, openai.Config{}, b.wrap, func(w *airtight) {
				job := w.missingJob()
				waits := w.undecided(job, 25)
				if err := w.attach().Settle(w.t.Context(), waits.Batch, durable.SendMissing); err != nil {
					w.t.Fatal(err)
				}
				file := firstOf(w.t, w.path("state/runs/*/decisions.json"), 1)[0]
				harm(w.t, file, do)
				if how != "deleted" {
					w.wantDamaged(job, "decisions.json")
				}
				if again := w.undecided(job, 25); again.Tag != waits.Tag || len(w.server.Batches()) != 3 {
					w.t.Errorf("batch %+v, then %+v", waits, again)
				}
			})
		})
	}
}

// wantDamaged fails unless the job is refused because of a file, which the doctor
// finds and mends.
func (w *airtight) wantDamaged(job durable.Job[ticket], file string) {
	w.t.Helper()
	if _, err := w.run(w.t.Context(), job); !errors.Is(err, state.ErrDamaged) || !strings.Contains(err.Error(), file) {
		w.t.Errorf("error %v", err)
	}
	h, err := doctor.Examine(w.t.Context(), w.path("state"), quiet)
	if err != nil || len(h.Problems) != 1 || filepath.Base(h.Problems[0].File) != file || !h.Needs(doctor.RepairBatchFiles) {
		w.t.Errorf("%+v, %v", h, err)
	}
	if err := doctor.RepairFiles(w.t.Context(), w.path("state"), quiet); err != nil {
		w.t.Fatal(err)
	}
	if h, err = doctor.Examine(w.t.Context(), w.path("state"), quiet); err != nil || len(h.Problems) > 0 {
		w.t.Errorf("repaired: %+v, %v", h, err)
	}
}
