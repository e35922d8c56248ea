package durable_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/simulator"
)

// unguarded lets a job go on whose rows fail on purpose.
func unguarded(job durable.Job[durabletest.Ticket]) durable.Job[durabletest.Ticket] {
	job.Guard.PauseAbove = 1
	return job
}

// ailing is a provider of which a model fails most rows until it is healed.
type ailing struct {
	model  string
	healed atomic.Bool
}

func (a *ailing) answer(r simulator.Row) simulator.Reply {
	if text := r.Prompt(); r.Model != a.model || a.healed.Load() || strings.HasSuffix(text, "1") || strings.HasSuffix(text, "2") {
		return simulator.Reply{Text: "fine"}
	}
	return simulator.Reply{Error: &simulator.RowError{Status: 400, Code: "invalid_image", Message: "no"}}
}

// listener starts a job and does something about the first notice that rows
// fail and something is paused.
type listener struct {
	handle chan *durable.Handle
	do     func(*durable.Handle, durable.Notice)

	mu    sync.Mutex
	heard []durable.Notice
}

func (l *listener) notify(n durable.Notice) {
	if n.Kind != durable.NoticeFailing && n.Kind != durable.NoticeCanary {
		return
	}
	l.mu.Lock()
	l.heard = append(l.heard, n)
	l.mu.Unlock()
	if strings.Contains(n.Text, "paused") {
		h := <-l.handle
		l.handle <- h
		l.do(h, n)
	}
}

func (l *listener) run(w *durabletest.World, job durable.Job[durabletest.Ticket]) (durable.Report, error) {
	w.T.Helper()
	job.Notify = l.notify
	return w.With(w.T.Context(), job, func(ctx context.Context, job durable.Job[durabletest.Ticket]) (durable.Report, error) {
		h, err := durable.Start(ctx, job)
		if err != nil {
			return durable.Report{}, err
		}
		l.handle <- h
		return h.Wait(ctx)
	})
}

// A run most of whose rows fail is paused before it has spent everything, also
// for later processes, and goes on when a person says so.
func TestARunThatFailsIsPausedUntilItIsResumed(t *testing.T) {
	t.Parallel()
	sick := &ailing{model: "gpt-mini"}
	w := durabletest.New(t, simulator.Config{Answer: sick.answer})
	w.Write("in.jsonl", durabletest.Tickets(400)...)
	job := w.Job()
	job.Model, job.Batch.MaxItems, job.MaxInFlight = "gpt-mini", 20, 1
	ctx, stop := context.WithCancelCause(t.Context())
	job.Notify = func(n durable.Notice) {
		if n.Kind == durable.NoticeFailing {
			stop(nil)
		}
	}
	if report, err := w.Run(ctx, job); err == nil || report.Failed < 10 || report.Failed > 40 {
		t.Fatalf("%+v, %v", report, err)
	}
	bought := len(w.Server.Batches())
	l := &listener{handle: make(chan *durable.Handle, 1), do: func(h *durable.Handle, _ durable.Notice) {
		s := mustStatus(t, h)
		if s.State != durable.StatePaused || !strings.Contains(s.Reason, "invalid_image") || len(w.Server.Batches()) != bought {
			t.Errorf("%+v after %d of %d batches", s, bought, len(w.Server.Batches()))
		}
		sick.healed.Store(true)
		if err := h.Resume(t.Context()); err != nil {
			t.Error(err)
		}
	}}
	if report, err := l.run(w, job); err != nil || report.Succeeded < 360 || report.Settled() != 400 || len(l.heard) != 1 {
		t.Errorf("%+v, %v, notices %+v", report, err, l.heard)
	}
	w.WantBilledOnce(400)
}

// Of several routes, only the one is paused whose rows fail, and the others
// take what it does not get.
func TestAFailingRouteIsPausedAlone(t *testing.T) {
	t.Parallel()
	sick := &ailing{model: "gpt-mini"}
	w := durabletest.New(t, simulator.Config{Answer: sick.answer})
	w.Write("in.jsonl", durabletest.Tickets(800)...)
	job := twoRoutes(w)
	job.Choose, job.MaxInFlight = router.RoundRobin[durable.Waiting](), 2
	job.Guard.PauseAbove = 0.6
	report := w.MustRun(job)
	got := byRoute(w.Results())
	if got["mini gpt-mini"] > 200 || got["mini gpt-mini"]+got["large gpt-large"] != 800 || report.Failed > 160 {
		t.Errorf("results by route are %v: %+v", got, report)
	}
	if mustStatus(t, w.Attach()).State != durable.StateCompleted {
		t.Error("the run is not completed")
	}
	w.WantBilledOnce(800)
}

// A job that never fails over waits for the route, while the other goes on.
func TestAPausedRouteIsWaitedFor(t *testing.T) {
	t.Parallel()
	sick := &ailing{model: "gpt-mini"}
	w := durabletest.New(t, simulator.Config{Answer: sick.answer})
	w.Write("in.jsonl", durabletest.Tickets(800)...)
	job := twoRoutes(w)
	job.Choose, job.MaxInFlight, job.Failover = router.RoundRobin[durable.Waiting](), 2, durable.FailoverNever
	job.Guard.PauseAbove = 0.6
	l := &listener{handle: make(chan *durable.Handle, 1), do: func(h *durable.Handle, n durable.Notice) {
		if s := mustStatus(t, h); n.Tag != "mini" || s.State != durable.StateRunning {
			t.Errorf("%+v: %+v", n, s)
		}
		sick.healed.Store(true)
		if err := h.Resume(t.Context()); err != nil {
			t.Error(err)
		}
	}}
	if report, err := l.run(w, job); err != nil || report.Settled() != 800 {
		t.Errorf("%+v, %v", report, err)
	}
	if got := byRoute(w.Results()); got["mini gpt-mini"] != 400 {
		t.Errorf("results by route are %v", got)
	}
	w.WantBilledOnce(800)
}

// Fewer failures are told, and nothing is paused.
func TestSomeFailuresAreTold(t *testing.T) {
	t.Parallel()
	sick := &ailing{model: "gpt-mini"}
	w := durabletest.New(t, simulator.Config{Answer: sick.answer})
	w.Write("in.jsonl", durabletest.Tickets(200)...)
	job := unguarded(w.Job())
	job.Model, job.Batch.MaxItems = "gpt-mini", 200
	l := &listener{handle: make(chan *durable.Handle, 1), do: func(_ *durable.Handle, n durable.Notice) { t.Errorf("paused: %+v", n) }}
	if report, err := l.run(w, job); err != nil || report.Failed != 160 || len(l.heard) != 1 || !strings.Contains(l.heard[0].Text, "160 of 200 rows failed (80 %), the last with invalid_image") {
		t.Errorf("%+v, %v: %+v", report, err, l.heard)
	}
}

func TestTheGuardIsChecked(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	for want, c := range map[string]retry.GuardConfig{
		"PauseAbove": {PauseAbove: 2},
		"hooks":      {OnPause: func(retry.Alert) {}},
	} {
		job := w.Job()
		job.Guard = c
		if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), "Job.Guard") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
