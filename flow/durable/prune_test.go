package durable_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/doctor"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

func (w *world) prune(r archive.Retention) ([]archive.Pruned, error) {
	w.t.Helper()
	store, err := state.Open(w.path("state"), state.Config{Log: quiet})
	if err != nil {
		w.t.Fatal(err)
	}
	defer store.Close()
	return archive.Prune(w.t.Context(), store, r)
}

// payloadSize is what is kept of requests and results.
func (w *world) payloadSize() (total int64) {
	w.t.Helper()
	for _, dir := range []string{"requests", "ready/*", "bales", "results", "answers"} {
		files, err := filepath.Glob(w.path("state/job-*/" + dir + "/*"))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, f := range files {
			info, err := os.Stat(f)
			if err != nil {
				w.t.Fatal(err)
			}
			if info.Mode().IsRegular() {
				total += info.Size()
			}
		}
	}
	return total
}

func TestAPrunedRunIsStillFinished(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(250)...)
	w.mustRun(w.job())
	before := w.payloadSize()
	for _, dry := range []bool{true, false} {
		pruned, err := w.prune(archive.Retention{DryRun: dry})
		if err != nil || len(pruned) != 1 || pruned[0].Name != "tickets" || pruned[0].Bytes != before || time.Since(pruned[0].Ended) > time.Hour {
			t.Errorf("dry run %t: %+v, %v; want %d bytes", dry, pruned, err, before)
		}
		if left := w.payloadSize(); dry && left != before || !dry && left != 0 {
			t.Errorf("dry run %t: %d bytes are left", dry, left)
		}
	}
	if pruned, err := w.prune(archive.Retention{}); err != nil || len(pruned) > 0 {
		t.Errorf("once more: %+v, %v", pruned, err)
	}
	if report := w.mustRun(w.job()); report.Succeeded != 250 || report.Cached != 250 || report.Batches != 3 || len(w.results()) != 250 {
		t.Errorf("report %+v", report)
	}
	w.wantBilledOnce(250)
	for _, err := range w.archive("tickets").Results(archive.Query{}) {
		if !errors.Is(err, archive.ErrPruned) {
			t.Errorf("results: %v", err)
		}
	}
	if _, err := w.archive("tickets").Export(t.Context(), w.path("export"), nil); !errors.Is(err, archive.ErrPruned) {
		t.Errorf("export: %v", err)
	}
}

func TestOnlyWhatHasEndedLongAgoIsPruned(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.mustRunAs("old", w.job(), tickets(20)...)
	w.mustRunAs("new", w.job(), others(100, 120)...)
	enough := errors.New("enough")
	left := w.job()
	left.Output = durable.Each(func(context.Context, durable.Result) error { return enough })
	if _, _, err := w.runAs("left", left, others(200, 220)...); !errors.Is(err, enough) {
		t.Fatal(err)
	}
	if pruned, err := w.prune(archive.Retention{OlderThan: time.Hour}); err != nil || len(pruned) > 0 {
		t.Errorf("%+v, %v", pruned, err)
	}
	if pruned, err := w.prune(archive.Retention{Name: "old"}); err != nil || len(pruned) != 1 {
		t.Errorf("%+v, %v", pruned, err)
	}
	if _, err := w.prune(archive.Retention{Name: "left"}); err == nil || !strings.Contains(err.Error(), `"left": it has not ended`) {
		t.Errorf("error %v", err)
	}
	if _, err := w.prune(archive.Retention{Name: "unknown"}); !errors.Is(err, durable.ErrNoRun) {
		t.Errorf("error %v", err)
	}
	pruned, err := w.prune(archive.Retention{})
	if err != nil || len(pruned) != 1 || pruned[0].Name != "new" {
		t.Errorf("%+v, %v", pruned, err)
	}
	left.Output = nil
	if report, _ := w.mustRunAs("left", left); report.Succeeded != 20 {
		t.Errorf("report %+v", report)
	}
}

// What was cached in a run that is pruned is asked again; what was copied from
// it by then stays.
func TestAPrunedRunIsAMiss(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.mustRunAs("one", w.job(), tickets(100)...)
	_, two := w.mustRunAs("two", w.job(), others(0, 50)...)
	if _, err := w.prune(archive.Retention{Name: "one"}); err != nil {
		t.Fatal(err)
	}
	report, got := w.mustRunAs("three", w.job(), others(0, 100)...)
	if report.FromCache != 0 || len(got) != 100 || w.billed() != 200 {
		t.Errorf("report %+v, %d billed", report, w.billed())
	}
	_, stored := all(t, w.archive("two").Results(archive.Query{}))
	if len(stored) != 50 || len(two) != 50 {
		t.Errorf("%d are stored", len(stored))
	}
}

// Cut short after the journal says so, the next one removes the rest, and the
// run is a finished one meanwhile.
func TestAPruneThatIsCutShortGoesOn(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(250)...)
	w.mustRun(w.job())
	kept, err := filepath.Glob(w.path("state/job-*"))
	if err != nil || len(kept) != 1 {
		t.Fatal(kept, err)
	}
	spare := w.path("spare")
	if err := os.CopyFS(spare, os.DirFS(kept[0]+"/results")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.prune(archive.Retention{}); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(kept[0]+"/results", os.DirFS(spare)); err != nil {
		t.Fatal(err)
	}
	if report := w.mustRun(w.job()); report.Cached != 250 {
		t.Errorf("report %+v", report)
	}
	size := w.payloadSize()
	pruned, err := w.prune(archive.Retention{})
	if err != nil || len(pruned) != 1 || pruned[0].Bytes != size || w.payloadSize() != 0 {
		t.Errorf("%+v, %v", pruned, err)
	}
}

// Its index lost, a pruned run is as finished as before, and the doctor finds
// nothing wrong with it.
func TestAPrunedRunIsRebuilt(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(250)...)
	w.mustRun(w.job())
	if _, err := w.prune(archive.Retention{}); err != nil {
		t.Fatal(err)
	}
	w.loseIndex()
	w.rebuild()
	if report := w.mustRun(w.job()); report.Cached != 250 || report.Succeeded != 250 {
		t.Errorf("report %+v", report)
	}
	h, err := doctor.Examine(t.Context(), w.path("state"), quiet)
	if err != nil || len(h.Problems) > 0 || len(h.Jobs) != 1 || h.Jobs[0].Rows != 250 {
		t.Errorf("%+v, %v", h, err)
	}
	w.wantBilledOnce(250)
}

// So does one that has taken answers from another, of which nothing was bought.
func TestARunWithCachedAnswersIsRebuilt(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.mustRunAs("one", w.job(), tickets(150)...)
	w.mustRunAs("two", w.job(), others(0, 250)...)
	w.loseIndex()
	w.rebuild()
	report, _ := w.mustRunAs("two", w.job())
	if report.Cached != 250 || report.FromCache != 150 || w.billed() != 250 {
		t.Errorf("report %+v, %d paid", report, w.billed())
	}
	h, err := doctor.Examine(t.Context(), w.path("state"), quiet)
	if err != nil || len(h.Problems) > 0 || len(h.Jobs) != 2 {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestARunThatIsUnderWayIsNotPruned(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(20)...)
	store, err := state.Open(w.path("state"), state.Config{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	job := w.job()
	job.Store = store
	job.Output = durable.Each(func(ctx context.Context, _ durable.Result) error {
		if pruned, err := archive.Prune(ctx, store, archive.Retention{}); err != nil || len(pruned) > 0 {
			t.Errorf("%+v, %v", pruned, err)
		}
		_, err := archive.Prune(ctx, store, archive.Retention{Name: job.Name})
		if !errors.Is(err, durable.ErrRunning) {
			t.Errorf("error %v", err)
		}
		return nil
	})
	if report, err := durable.Run(t.Context(), job); err != nil || report.Succeeded != 20 {
		t.Errorf("report %+v, %v", report, err)
	}
}

// A clock that is years ahead makes every result old: it is not believed, unless
// somebody says so.
func TestAClockThatIsAheadPrunesNothing(t *testing.T) {
	dir := t.TempDir()
	bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *airtight) { // in the year 2000
		w.dir = dir
		w.mustRunAs("run", w.job(), tickets(20)...)
	})
	w := &world{t: t, dir: dir}
	before := w.payloadSize()
	for _, r := range []archive.Retention{{OlderThan: time.Hour}, {OlderThan: 60 * 24 * time.Hour}, {OlderThan: time.Hour, DryRun: true}} {
		if pruned, err := w.prune(r); !errors.Is(err, archive.ErrClock) || len(pruned) > 0 || w.payloadSize() != before {
			t.Errorf("%+v: %+v, %v", r, pruned, err)
		}
	}
	if pruned, err := w.prune(archive.Retention{OlderThan: time.Hour, Force: true}); err != nil || len(pruned) != 1 || w.payloadSize() != 0 {
		t.Errorf("%+v, %v", pruned, err)
	}
}
