package archive_test

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
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

func prune(w *durabletest.World, r archive.Retention) ([]archive.Pruned, error) {
	w.T.Helper()
	return archive.Prune(w.T.Context(), w.StateDir(), r)
}

// payloadSize is what is kept of requests and results.
func payloadSize(w *durabletest.World) (total int64) {
	w.T.Helper()
	for _, dir := range []string{"requests", "ready/*", "manifests", "results", "raw", "answers"} {
		files, err := filepath.Glob(w.Path("state/job-*/" + dir + "/*"))
		if err != nil {
			w.T.Fatal(err)
		}
		for _, f := range files {
			info, err := os.Stat(f)
			if err != nil {
				w.T.Fatal(err)
			}
			if info.Mode().IsRegular() {
				total += info.Size()
			}
		}
	}
	return total
}

func TestAPrunedRunIsStillFinished(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(250)...)
	job := w.Job()
	job.KeepRaw = true
	w.MustRun(job)
	before := payloadSize(w)
	for _, dry := range []bool{true, false} {
		pruned, err := prune(w, archive.Retention{DryRun: dry})
		if err != nil || len(pruned) != 1 || pruned[0].Name != "tickets" || pruned[0].Bytes != before || pruned[0].Raw == 0 || pruned[0].Raw > before/2 || time.Since(pruned[0].Ended) > time.Hour {
			t.Errorf("dry run %t: %+v, %v; want %d bytes", dry, pruned, err, before)
		}
		if left := payloadSize(w); dry && left != before || !dry && left != 0 {
			t.Errorf("dry run %t: %d bytes are left", dry, left)
		}
	}
	if pruned, err := prune(w, archive.Retention{}); err != nil || len(pruned) > 0 {
		t.Errorf("once more: %+v, %v", pruned, err)
	}
	if report := w.MustRun(w.Job()); report.Succeeded != 250 || report.Cached != 250 || report.Batches != 3 || len(w.Results()) != 250 {
		t.Errorf("report %+v", report)
	}
	w.WantBilledOnce(250)
	for _, err := range w.Archive("tickets").Results(archive.Query{}) {
		if !errors.Is(err, archive.ErrPruned) {
			t.Errorf("results: %v", err)
		}
	}
	if _, err := w.Archive("tickets").Export(t.Context(), w.Path("export"), archive.Format{}); !errors.Is(err, archive.ErrPruned) {
		t.Errorf("export: %v", err)
	}
}

func TestOnlyWhatHasEndedLongAgoIsPruned(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.MustRunAs("old", w.Job(), durabletest.Tickets(20)...)
	w.MustRunAs("new", w.Job(), durabletest.Others(100, 120)...)
	enough := errors.New("enough")
	left := w.Job()
	left.Output = durable.Each(func(context.Context, durable.Result) error { return enough })
	if _, _, err := w.RunAs("left", left, durabletest.Others(200, 220)...); !errors.Is(err, enough) {
		t.Fatal(err)
	}
	if pruned, err := prune(w, archive.Retention{OlderThan: time.Hour}); err != nil || len(pruned) > 0 {
		t.Errorf("%+v, %v", pruned, err)
	}
	if pruned, err := prune(w, archive.Retention{Name: "old"}); err != nil || len(pruned) != 1 {
		t.Errorf("%+v, %v", pruned, err)
	}
	if _, err := prune(w, archive.Retention{Name: "left"}); err == nil || !strings.Contains(err.Error(), `"left": it has not ended`) {
		t.Errorf("error %v", err)
	}
	if _, err := prune(w, archive.Retention{Name: "unknown"}); !errors.Is(err, durable.ErrNoRun) {
		t.Errorf("error %v", err)
	}
	pruned, err := prune(w, archive.Retention{})
	if err != nil || len(pruned) != 1 || pruned[0].Name != "new" {
		t.Errorf("%+v, %v", pruned, err)
	}
	left.Output = nil
	if report, _ := w.MustRunAs("left", left); report.Succeeded != 20 {
		t.Errorf("report %+v", report)
	}
}

// What was cached in a run that is pruned is asked again; what was copied from
// it by then stays.
func TestAPrunedRunIsAMiss(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.MustRunAs("one", w.Job(), durabletest.Tickets(100)...)
	_, two := w.MustRunAs("two", w.Job(), durabletest.Others(0, 50)...)
	if _, err := prune(w, archive.Retention{Name: "one"}); err != nil {
		t.Fatal(err)
	}
	report, got := w.MustRunAs("three", w.Job(), durabletest.Others(0, 100)...)
	if report.FromCache != 0 || len(got) != 100 || w.Billed() != 200 {
		t.Errorf("report %+v, %d billed", report, w.Billed())
	}
	_, stored := durabletest.Collect(t, w.Archive("two").Results(archive.Query{}))
	if len(stored) != 50 || len(two) != 50 {
		t.Errorf("%d are stored", len(stored))
	}
}

// Cut short after the journal says so, the next one removes the rest, and the
// run is a finished one meanwhile.
func TestAPruneThatIsCutShortGoesOn(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(250)...)
	w.MustRun(w.Job())
	kept, err := filepath.Glob(w.Path("state/job-*"))
	if err != nil || len(kept) != 1 {
		t.Fatal(kept, err)
	}
	spare := w.Path("spare")
	if err := os.CopyFS(spare, os.DirFS(kept[0]+"/results")); err != nil {
		t.Fatal(err)
	}
	if _, err := prune(w, archive.Retention{}); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(kept[0]+"/results", os.DirFS(spare)); err != nil {
		t.Fatal(err)
	}
	if report := w.MustRun(w.Job()); report.Cached != 250 {
		t.Errorf("report %+v", report)
	}
	size := payloadSize(w)
	pruned, err := prune(w, archive.Retention{})
	if err != nil || len(pruned) != 1 || pruned[0].Bytes != size || payloadSize(w) != 0 {
		t.Errorf("%+v, %v", pruned, err)
	}
}

// Its index lost, a pruned run is as finished as before, and the doctor finds
// nothing wrong with it.
func TestAPrunedRunIsRebuilt(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(250)...)
	w.MustRun(w.Job())
	if _, err := prune(w, archive.Retention{}); err != nil {
		t.Fatal(err)
	}
	w.LoseIndex()
	w.Rebuild()
	if report := w.MustRun(w.Job()); report.Cached != 250 || report.Succeeded != 250 {
		t.Errorf("report %+v", report)
	}
	h, err := doctor.Examine(t.Context(), w.StateDir())
	if err != nil || len(h.Problems) > 0 || len(h.Jobs) != 1 || h.Jobs[0].Rows != 250 {
		t.Errorf("%+v, %v", h, err)
	}
	w.WantBilledOnce(250)
}

// So does one that has taken answers from another, of which nothing was bought.
func TestARunWithCachedAnswersIsRebuilt(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.MustRunAs("one", w.Job(), durabletest.Tickets(150)...)
	w.MustRunAs("two", w.Job(), durabletest.Others(0, 250)...)
	w.LoseIndex()
	w.Rebuild()
	report, _ := w.MustRunAs("two", w.Job())
	if report.Cached != 250 || report.FromCache != 150 || w.Billed() != 250 {
		t.Errorf("report %+v, %d paid", report, w.Billed())
	}
	h, err := doctor.Examine(t.Context(), w.StateDir())
	if err != nil || len(h.Problems) > 0 || len(h.Jobs) != 2 {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestARunThatIsUnderWayIsNotPruned(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(20)...)
	dir := w.StateDir()
	job := w.Job()
	job.Dir = dir
	job.Output = durable.Each(func(ctx context.Context, _ durable.Result) error {
		if pruned, err := archive.Prune(ctx, dir, archive.Retention{}); err != nil || len(pruned) > 0 {
			t.Errorf("%+v, %v", pruned, err)
		}
		_, err := archive.Prune(ctx, dir, archive.Retention{Name: job.Name})
		if !errors.Is(err, durable.ErrRunning) {
			t.Errorf("error %v", err)
		}
		return nil
	})
	if report, err := durable.Run(t.Context(), job); err != nil || report.Succeeded != 20 {
		t.Errorf("report %+v, %v", report, err)
	}
}

// A clock that is years ahead makes every result old: it is not believed,
// unless somebody says so.
func TestAClockThatIsAheadPrunesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) { // in the year 2000
		w.Dir = dir
		w.MustRunAs("run", w.Job(), durabletest.Tickets(20)...)
	})
	w := &durabletest.World{T: t, Dir: dir}
	before := payloadSize(w)
	for _, r := range []archive.Retention{{OlderThan: time.Hour}, {OlderThan: 60 * 24 * time.Hour}, {OlderThan: time.Hour, DryRun: true}} {
		if pruned, err := prune(w, r); !errors.Is(err, archive.ErrClock) || len(pruned) > 0 || payloadSize(w) != before {
			t.Errorf("%+v: %+v, %v", r, pruned, err)
		}
	}
	if pruned, err := prune(w, archive.Retention{OlderThan: time.Hour, Force: true}); err != nil || len(pruned) != 1 || payloadSize(w) != 0 {
		t.Errorf("%+v, %v", pruned, err)
	}
}
