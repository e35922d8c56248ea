package durable_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// slow is a provider that works six minutes on a batch.
var slow = simulator.Config{Latency: simulator.Latency{Processing: 6 * time.Minute}}

// session is a process, as far as the run can tell: it has the state open.
type session struct {
	*durable.Handle
	out   *durable.File
	close func()
}

// startRun starts the job as run would, and lets go of it with the test at
// last.
func startRun(ctx context.Context, w *durabletest.World, job durable.Job[durabletest.Ticket]) *session {
	w.T.Helper()
	out, err := durable.Lines(w.Path("out.jsonl"))
	if err != nil {
		w.T.Fatal(err)
	}
	s := &session{out: out, close: sync.OnceFunc(func() {
		if err := out.Close(); err != nil {
			w.T.Error(err)
		}
	})}
	w.T.Cleanup(s.close)
	job.Dir, job.Output = w.StateDir(), out
	ctx, detach := context.WithCancel(ctx)
	if s.Handle, err = durable.Start(ctx, job); err != nil {
		detach()
		w.T.Fatal(err)
	}
	w.T.Cleanup(func() {
		detach()
		_, _ = s.Wait(context.WithoutCancel(ctx))
	})
	return s
}

// end waits until the run has ended and closes what it used.
func (s *session) end() (durable.Report, error) {
	report, err := s.Wait(context.Background())
	s.close()
	return report, err
}

func mustStatus(tb testing.TB, h *durable.Handle) durable.Status {
	tb.Helper()
	s, err := h.Status()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// phases counts the batches at the provider by their status.
func phases(w *durabletest.World) map[string]int {
	n := make(map[string]int)
	for _, b := range w.Server.Batches() {
		n[b.Status]++
	}
	return n
}

func TestStatusFromAnotherProcess(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, slow, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(250)...)
		run := startRun(t.Context(), w, w.BriskJob())
		other := w.Attach()
		time.Sleep(time.Minute)
		s := mustStatus(t, other)
		if s.Name != "tickets" || s.State != durable.StateRunning || s.Rows != 250 || !s.Read || s.Settled() != 0 ||
			s.PID != os.Getpid() || s.Finished {
			t.Errorf("under way: %+v", s)
		}
		if len(s.Open) != 3 || s.Open[0].State != "submitted" || s.Open[0].Batch == "" || s.Open[2].Rows+s.Open[1].Rows+s.Open[0].Rows != 250 {
			t.Errorf("open batches: %+v", s.Open)
		}
		waiting, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		if report, err := other.Wait(waiting); !errors.Is(err, context.DeadlineExceeded) || report.Rows != 250 {
			t.Errorf("wait: %+v, %v", report, err)
		}
		if report, err := other.Wait(t.Context()); err != nil || report.Succeeded != 250 {
			t.Errorf("wait: %+v, %v", report, err)
		}
		report, err := run.end()
		if err != nil || !report.Finished || report.State != durable.StateCompleted {
			t.Errorf("report %+v, %v", report, err)
		}
		if s := mustStatus(t, other); s.State != durable.StateCompleted || s.Succeeded != 250 || len(s.Open) != 0 || s.Elapsed < 6*time.Minute {
			t.Errorf("at the end: %+v", s)
		}
	})
}

func TestAPausedRunBuysNothingAndSettlesWhatIsOpen(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, slow, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(500)...)
		job := w.BriskJob()
		job.MaxInFlight = 2
		run := startRun(t.Context(), w, job)
		time.Sleep(time.Minute)
		other := w.Attach()
		if err := other.Pause(t.Context()); err != nil {
			t.Fatal(err)
		}
		bought := len(w.Server.Batches())
		if bought != 2 {
			t.Fatalf("%d batches", bought)
		}
		time.Sleep(18 * time.Minute)
		if s := mustStatus(t, other); s.State != durable.StatePaused || s.Wanted != durable.StatePaused || s.Succeeded != 200 || s.Rows != 500 {
			t.Errorf("paused: %+v", s)
		}
		if n := len(w.Server.Batches()); n != bought {
			t.Errorf("%d batches were bought while paused", n-bought)
		}
		if err := run.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		if report, err := run.end(); err != nil || report.Succeeded != 500 || report.Batches != 5 {
			t.Errorf("report %+v, %v", report, err)
		}
		w.WantBilledOnce(500)
	})
}

// What was asked of a run that no process runs is obeyed by the next one.
func TestAPauseOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, slow, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(100)...)
		ctx, detach := context.WithCancelCause(t.Context())
		run := startRun(ctx, w, w.BriskJob())
		detach(errors.New("detached"))
		if _, err := run.end(); err == nil || !strings.Contains(err.Error(), "detached") {
			t.Errorf("error %v", err)
		}
		other := w.Attach()
		s := mustStatus(t, other)
		if s.State != durable.StateStopped || s.Wanted != durable.StateRunning || !strings.Contains(s.Reason, "detached") {
			t.Errorf("detached: %+v", s)
		}
		var stopped *durable.StoppedError
		if _, err := other.Wait(t.Context()); !errors.As(err, &stopped) {
			t.Errorf("wait: %v", err)
		}
		if err := other.Pause(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := len(w.Server.Batches())
		run = startRun(t.Context(), w, w.BriskJob())
		time.Sleep(18 * time.Minute)
		if n := len(w.Server.Batches()); n != before {
			t.Errorf("%d batches were bought", n-before)
		}
		if err := other.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		if report, err := run.end(); err != nil || report.Succeeded != 100 {
			t.Errorf("report %+v, %v", report, err)
		}
		w.WantBilledOnce(100)
	})
}

// wantCancelled checks how a run ends that was cancelled, and how it ends
// again.
func wantCancelled(w *durabletest.World, run *session, job durable.Job[durabletest.Ticket], reason string, results, cancelled int) {
	w.T.Helper()
	report, err := run.end()
	var is *durable.CancelledError
	if !errors.As(err, &is) || is.Reason != reason || is.Rows != cancelled || is.At.IsZero() {
		w.T.Fatalf("error %v, report %+v", err, report)
	}
	if report.State != durable.StateCancelled || report.Cancelled != cancelled || report.Settled() != results || report.InFlight != 0 ||
		report.Retried != 0 || report.Failed != 0 || report.Unexpected.Total() != 0 || report.Finished {
		w.T.Errorf("report %+v", report)
	}
	if results > 0 && len(w.Results()) != results {
		w.T.Errorf("%d results, want %d", len(w.Results()), results)
	}
	before := len(w.Server.Batches())
	again, err := startRun(w.T.Context(), w, job).end()
	if !errors.As(err, &is) || is.Reason != reason || again.Cancelled != cancelled || again.Settled() != results {
		w.T.Errorf("again: %v, report %+v", err, again)
	}
	s := mustStatus(w.T, w.Attach())
	if s.State != durable.StateCancelled || s.Cancelled != cancelled || s.Reason != reason || len(s.Open) != 0 {
		w.T.Errorf("status %+v", s)
	}
	if _, err := w.Attach().Wait(w.T.Context()); !errors.As(err, &is) || is.Reason != reason || is.Rows != cancelled {
		w.T.Errorf("wait: %v", err)
	}
	time.Sleep(24 * time.Hour)
	if n := len(w.Server.Batches()); n != before {
		w.T.Errorf("%d batches were bought after the run was cancelled", n-before)
	}
}

func TestACancelledRunKeepsWhatRan(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, slow, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(500)...)
		job := w.BriskJob()
		job.MaxInFlight, job.MaxAttempts = 2, 1 // a row that was not run has not failed
		run := startRun(t.Context(), w, job)
		time.Sleep(9 * time.Minute) // two batches are done, and two half done
		other := w.Attach()
		if err := other.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		bought := len(w.Server.Batches())
		_, _ = run.Wait(t.Context())
		billed := w.Billed()
		if billed <= 200 || billed >= 400 || bought != 4 {
			t.Fatalf("%d batches, %d rows billed", bought, billed)
		}
		wantCancelled(w, run, job, "requested", billed, 500-billed)
		if got := phases(w); got["completed"] != 2 || got["cancelled"] != 2 || len(got) != 2 {
			t.Errorf("at the provider: %v", got)
		}
		if err := other.Resume(t.Context()); !errors.As(err, new(*durable.CancelledError)) {
			t.Errorf("resume: %v", err)
		}
		if err := other.Pause(t.Context()); !errors.As(err, new(*durable.CancelledError)) {
			t.Errorf("pause: %v", err)
		}
		if err := other.Cancel(t.Context()); err != nil {
			t.Errorf("cancel: %v", err)
		}
	})
}

// Cancelled before it was validated, a batch has no results at all, and nobody
// misses any.
func TestABatchIsCancelledBeforeItRuns(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{Latency: simulator.Latency{Validation: 6 * time.Minute}}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(100)...)
		job := w.BriskJob()
		run := startRun(w.T.Context(), w, job)
		time.Sleep(time.Minute)
		if err := run.Cancel(w.T.Context()); err != nil {
			w.T.Fatal(err)
		}
		wantCancelled(w, run, job, "requested", 0, 100)
		if got := phases(w); got["cancelled"] != 1 {
			w.T.Errorf("at the provider: %v", got)
		}
	})
}

// Batches are cancelled at once, however seldom they are looked at.
func TestACancelDoesNotWaitForTheNextLook(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, slow, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(200)...)
		job := w.BriskJob()
		job.Poll = 4 * time.Minute
		run := startRun(t.Context(), w, job)
		time.Sleep(time.Minute)
		if err := run.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if got := phases(w); got["cancelled"] != 2 {
			t.Errorf("at the provider: %v", got)
		}
		if s := mustStatus(t, w.Attach()); s.State != durable.StateCancelling || len(s.Open) != 2 || s.Open[0].State != "submitted" {
			t.Errorf("status %+v", s)
		}
	})
}

// A batch that is sealed and uploaded, but waits to be created, is given up.
func TestWhatIsNotBoughtYetIsWithdrawn(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, slow, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(300)...)
		job := w.BriskJob()
		job.Creates = durable.Rate{Requests: 2, Per: 48 * time.Hour}
		run := startRun(t.Context(), w, job)
		time.Sleep(time.Minute)
		if s := mustStatus(t, w.Attach()); len(s.Open) != 3 || s.Open[0].State != "uploaded" || s.Open[2].State != "submitted" {
			t.Fatalf("open batches: %+v", s.Open)
		}
		if err := run.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _ = run.Wait(t.Context())
		billed := w.Billed()
		wantCancelled(w, run, job, "requested", billed, 300-billed)
		if n := len(w.Server.Batches()); n != 1 {
			t.Errorf("%d batches", n)
		}
		deleted := 0
		for r, err := range w.Server.Requests() {
			if err != nil {
				t.Fatal(err)
			}
			if r.Route == "DELETE /v1/files/{id}" {
				deleted++
			}
		}
		if deleted < 3 {
			t.Errorf("only %d files were deleted", deleted)
		}
	})
}

// A creation whose answer was lost is looked for, and cancelled once found.
func TestACancelledRunLooksForWhatItMayHaveBought(t *testing.T) {
	t.Parallel()
	cfg := slow
	cfg.Faults = []simulator.Fault{
		{Route: "POST /v1/batches", Action: simulator.ActionResetAfter, Times: 1},
		{Route: "GET /v1/batches", Action: simulator.ActionFail, Status: 503, From: 2, Times: 20},
	}
	durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(100)...)
		job := w.BriskJob()
		run := startRun(t.Context(), w, job)
		time.Sleep(3 * time.Second)
		if s := mustStatus(t, w.Attach()); len(s.Open) != 1 || s.Open[0].State != "unknown" {
			t.Fatalf("open batches: %+v", s.Open)
		}
		if err := run.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _ = run.Wait(t.Context())
		billed := w.Billed()
		wantCancelled(w, run, job, "requested", billed, 100-billed)
		if got := phases(w); got["cancelled"] != 1 || len(got) != 1 {
			t.Errorf("at the provider: %v", got)
		}
	})
}

// Cancelled while no process runs it, the run is ended by the next.
func TestACancelIsCarriedOutByTheNextProcess(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, slow, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(300)...)
		job := w.BriskJob()
		ctx, detach := context.WithCancel(t.Context())
		run := startRun(ctx, w, job)
		time.Sleep(3 * time.Minute)
		detach()
		_, _ = run.end()
		if got := phases(w); got["in_progress"] != 3 {
			t.Fatalf("at the provider: %v", got)
		}
		other := w.Attach()
		if err := other.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s := mustStatus(t, other); s.State != durable.StateStopped || s.Wanted != durable.StateCancelled || len(s.Open) != 3 {
			t.Errorf("status %+v", s)
		}
		w.Write("in.jsonl", "gone") // nobody reads it any more
		run = startRun(t.Context(), w, job)
		_, _ = run.Wait(t.Context())
		billed := w.Billed()
		if billed == 0 || billed == 300 {
			t.Fatalf("%d rows billed", billed)
		}
		wantCancelled(w, run, job, "requested", billed, 300-billed)
		if got := phases(w); got["cancelled"] != 3 {
			t.Errorf("at the provider: %v", got)
		}
	})
}

// The time counts from the first start, whoever runs the run meanwhile.
func TestTheTimeLimitCancels(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, slow, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(1000)...)
		job := w.BriskJob()
		job.MaxInFlight, job.TimeLimit = 1, 15*time.Minute
		began := time.Now()
		ctx, detach := context.WithTimeout(t.Context(), 2*time.Minute)
		defer detach()
		_, _ = startRun(ctx, w, job).end()
		time.Sleep(2 * time.Minute)
		run := startRun(t.Context(), w, job)
		if s := mustStatus(t, w.Attach()); !s.Started.Equal(began) || !s.Deadline.Equal(began.Add(job.TimeLimit)) {
			t.Errorf("status %+v, began %s", s, began)
		}
		_, _ = run.Wait(t.Context())
		if d := time.Since(began); d < job.TimeLimit || d > job.TimeLimit+time.Minute {
			t.Errorf("it took %s", d)
		}
		billed := w.Billed()
		if billed <= 100 || billed >= 300 {
			t.Errorf("%d rows billed", billed)
		}
		wantCancelled(w, run, job, "time_limit", billed, 1000-billed)
	})
}

// Over before the run is started again, the time limit buys nothing.
func TestTheTimeLimitIsOverBeforeTheStart(t *testing.T) {
	t.Parallel()
	cfg := simulator.Config{Faults: []simulator.Fault{{Route: "GET /v1/batches", Action: simulator.ActionFail, Status: 401, Times: 1}}}
	durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(100)...)
		job := w.BriskJob()
		job.TimeLimit = time.Hour
		if _, err := startRun(t.Context(), w, job).end(); retry.ClassOf(err) != retry.Blocked {
			t.Fatalf("error %v", err)
		}
		time.Sleep(2 * time.Hour)
		wantCancelled(w, startRun(t.Context(), w, job), job, "time_limit", 0, 0)
		if n := len(w.Server.Batches()); n != 0 {
			t.Errorf("%d batches", n)
		}
	})
}

func TestACompletedRunCannotBeCancelled(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, slow, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(10)...)
		_, _ = startRun(t.Context(), w, w.BriskJob()).end()
		if err := w.Attach().Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		if report, err := startRun(t.Context(), w, w.BriskJob()).end(); err != nil || report.State != durable.StateCompleted {
			t.Errorf("report %+v, %v", report, err)
		}
		if s := mustStatus(t, w.Attach()); s.State != durable.StateCompleted {
			t.Errorf("status %+v", s)
		}
	})
}

func TestARunIsRunByOneAtATime(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, slow, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(10)...)
		run := startRun(t.Context(), w, w.BriskJob())
		job := w.BriskJob()
		job.Dir, job.Output = w.StateDir(), run.out
		if _, err := durable.Run(t.Context(), job); !errors.Is(err, durable.ErrRunning) {
			t.Errorf("error %v", err)
		}
		if report, err := run.end(); err != nil || report.Succeeded != 10 {
			t.Errorf("report %+v, %v", report, err)
		}
	})
}

func TestRunsListsThemByName(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(10)...)
		for _, name := range []string{"b", "a"} {
			job := w.BriskJob()
			job.Name = name
			_, _ = startRun(t.Context(), w, job).end()
			if err := os.Remove(w.Path("out.jsonl")); err != nil {
				t.Fatal(err)
			}
		}
		runs, err := w.StateDir().Runs()
		if err != nil || len(runs) != 2 || runs[0].Name != "a" || runs[1].Name != "b" || runs[1].Succeeded != 10 {
			t.Errorf("%+v, %v", runs, err)
		}
		if _, err := w.StateDir().Attach("c"); !errors.Is(err, durable.ErrNoRun) {
			t.Errorf("attach: %v", err)
		}
		if _, err := w.OpenDir("elsewhere").Runs(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("runs of no directory: %v", err)
		}
	})
}

// The files that other processes read are for the owner, and hold no payload.
func TestControlFilesAreDiscreet(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, slow, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(10)...)
		run := startRun(t.Context(), w, w.BriskJob())
		time.Sleep(time.Minute)
		if err := run.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _ = run.end()
		files, err := filepath.Glob(w.Path("state/runs/*/*"))
		if err != nil || len(files) != 5 {
			t.Fatalf("%v, %v", files, err)
		}
		for _, path := range files {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(path)
			if err != nil || info.Mode().Perm() != 0o600 || strings.Contains(string(b), "ticket number") || strings.Contains(string(b), "sk-test") {
				t.Errorf("%s, mode %o: %s", path, info.Mode().Perm(), b)
			}
		}
	})
}

func TestADamagedControlFileIsRefused(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, slow, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(10)...)
		ctx, detach := context.WithCancel(t.Context())
		run := startRun(ctx, w, w.BriskJob())
		detach()
		_, _ = run.end()
		for _, content := range []string{`{"want":"canc`, `{"want":"sideways"}`} {
			dirs, err := filepath.Glob(w.Path("state/runs/*"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dirs[0], "control.json"), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Run(t.Context(), w.BriskJob()); !errors.Is(err, state.ErrDamaged) || !strings.Contains(err.Error(), "control.json") {
				t.Errorf("%s: %v", content, err)
			}
		}
	})
}

// Acknowledged means that the creation that was under way is answered, and that
// no other follows.
func TestNothingIsBoughtOnceThatIsAcknowledged(t *testing.T) {
	t.Parallel()
	cfg := simulator.Config{Latency: simulator.Latency{Processing: time.Hour}} // so that none is settled
	cfg.Faults = []simulator.Fault{{Route: "POST /v1/batches", Action: simulator.ActionSlow, Delay: 7 * time.Second, Times: -1}}
	durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(600)...)
		job := w.BriskJob()
		job.Batch.MaxItems, job.MaxInFlight = 2, 300
		run := startRun(t.Context(), w, job)
		other := w.Attach()
		bought := 0
		for range 4 {
			time.Sleep(52 * time.Second) // amid a creation
			if err := other.Pause(t.Context()); err != nil {
				t.Fatal(err)
			}
			before := len(w.Server.Batches())
			if before <= bought {
				t.Errorf("still %d batches", before)
			}
			s := mustStatus(t, other)
			time.Sleep(time.Minute)
			after := mustStatus(t, other)
			if bought = len(w.Server.Batches()); bought != before || s.Batches != bought || len(after.Open) != len(s.Open) {
				t.Errorf("%d batches were bought, and %d sealed", bought-before, len(after.Open)-len(s.Open))
			}
			if err := other.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(32 * time.Second)
		if err := other.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		bought = len(w.Server.Batches())
		if report, err := run.end(); report.Batches != bought || len(w.Server.Batches()) != bought {
			t.Errorf("%d batches, report %+v, %v", len(w.Server.Batches()), report, err)
		}
	})
}

// A batch that may be somebody else's is not cancelled: once it has ended it is
// given back.
func TestACancelSparesWhatMayBeSomebodyElses(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		u.job.ExclusiveWorkspace = true
		u.stranger(5)
		u.next(simulator.ActionReset)
		run := startRun(u.T.Context(), u.World, u.job)
		time.Sleep(20 * time.Minute)
		if s := mustStatus(u.T, u.Attach()); len(s.Open) != 1 || s.Open[0].Batch != u.foreign.Batch {
			u.T.Fatalf("open batches: %+v", s.Open)
		}
		if err := run.Cancel(u.T.Context()); err != nil {
			u.T.Fatal(err)
		}
		wantCancelled(u.World, run, u.job, "requested", 0, 5)
		if got := phases(u.World); got["completed"] != 1 || len(got) != 1 {
			u.T.Errorf("at the provider: %v", got)
		}
	})
}
