package durable_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// sealedBefore counts the rows that were sealed before the canary was judged,
// and how often it was.
func sealedBefore(w *durabletest.World) (rows, marks int) {
	w.T.Helper()
	for _, l := range journalOf(w) {
		switch {
		case l.Canary != nil:
			marks++
		case l.Intent != nil && l.Intent.Rev == 1 && marks == 0:
			rows += l.Intent.Rows
		}
	}
	return rows, marks
}

// A canary that does well lets the others follow by itself: as many as it says
// are asked first, in batches of their own.
func TestACanaryThatDoesWellLetsTheOthersFollow(t *testing.T) {
	t.Parallel()
	for name, canary := range map[string]durable.Canary{
		"items": {Items: 130}, "share": {Share: 0.26}, "least": {Share: 0.001}, "more than there are": {Items: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := durabletest.New(t, simulator.Config{Answer: varied})
			w.Write("in.jsonl", durabletest.Tickets(500)...)
			job := budgetJob(w)
			job.Poll, job.Grace, job.Batch.MaxWait = time.Millisecond, 50*time.Millisecond, time.Hour
			job.Canary, job.ReadAll = canary, true
			report := w.MustRun(job)
			want := map[string]int{"items": 130, "share": 130, "least": durable.LeastCanary, "more than there are": 500}[name]
			rows, marks := sealedBefore(w)
			if rows != want || report.Canary == nil || report.Canary.Answers != want || report.Canary.Failed+report.Canary.Invalid != 0 || report.Succeeded != 500 {
				t.Errorf("%d rows were sealed before %d marks: %+v, %+v", rows, marks, report.Canary, report.Progress)
			}
			if all := want == 500; report.Canary.Passed == all || (marks == 1) == all || report.Canary.Average() == 0 {
				t.Errorf("%+v after %d marks", report.Canary, marks)
			}
			w.WantBilledOnce(500)
		})
	}
}

// A canary that does badly pauses the run with the figures, also for later
// processes. Once it is resumed, the others follow.
func TestACanaryThatFailsPausesTheRunUntilItIsResumed(t *testing.T) {
	t.Parallel()
	sick := &ailing{model: "gpt-mini"}
	w := durabletest.New(t, simulator.Config{Answer: sick.answer})
	w.Write("in.jsonl", durabletest.Tickets(400)...)
	job := unguarded(w.Job())
	job.Model, job.Canary = "gpt-mini", durable.Canary{Items: 20, MaxFailed: 0.3}
	ctx, stop := context.WithCancelCause(t.Context())
	job.Notify = func(n durable.Notice) {
		if strings.Contains(n.Text, "paused") {
			stop(durabletest.ErrEnough)
		}
	}
	report, err := w.Run(ctx, job)
	if !errors.Is(err, durabletest.ErrEnough) || report.Settled() != 20 || report.Canary.Passed || report.Canary.Failed != 16 {
		t.Fatalf("%+v, %+v, %v", report.Progress, report.Canary, err)
	}
	l := &listener{handle: make(chan *durable.Handle, 1), do: func(h *durable.Handle, n durable.Notice) { // as the next process tells it
		s := mustStatus(t, h)
		for s.State != durable.StatePaused { // it is about to be published
			time.Sleep(time.Millisecond)
			s = mustStatus(t, h)
		}
		if want := "of the first 20 answers, 16 failed (80 %, 30 % may)"; s.State != durable.StatePaused || !strings.Contains(s.Reason, want) || !strings.Contains(n.Text, want) || s.Settled() != 20 {
			t.Errorf("%+v, %+v", n, s)
		}
		sick.healed.Store(true)
		if err := h.Resume(t.Context()); err != nil {
			t.Error(err)
		}
	}}
	report, err = l.run(w, job)
	if rows, marks := sealedBefore(w); err != nil || report.Succeeded != 384 || !report.Canary.Passed || report.Canary.Answers != 20 || rows != 20 || marks != 2 {
		t.Errorf("%d rows before %d marks: %+v, %+v, %v", rows, marks, report.Progress, report.Canary, err)
	}
	w.WantBilledOnce(400)
}

// A canary that fails holds nothing back if there is nothing else: the run
// ends, now and later.
func TestACanaryThatFailsEndsWithTheLastRow(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{Answer: (&ailing{model: "gpt-mini"}).answer}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(20)...)
		job := unguarded(w.Job())
		job.Model, job.Canary = "gpt-mini", durable.Canary{Items: 20}
		for range 2 {
			report := w.MustRun(job)
			if report.State != durable.StateCompleted || report.Settled() != 20 || report.Canary.Passed || report.Canary.Failed != 16 {
				w.T.Errorf("%+v, %+v", report.Progress, report.Canary)
			}
		}
	})
}

// A canary that fails while a person has paused the run says so all the same:
// the pause has its reason, and each process has its notice.
func TestACanaryThatFailsDuringAPauseIsNotLost(t *testing.T) {
	t.Parallel()
	cfg := simulator.Config{Answer: (&ailing{model: "gpt-mini"}).answer, Latency: simulator.Latency{Processing: time.Hour}}
	durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(100)...)
		job := unguarded(w.Job())
		job.Model, job.Canary = "gpt-mini", durable.Canary{Items: 20}
		var notices atomic.Int64
		var codes atomic.Int64
		job.Notify = func(n durable.Notice) {
			if n.Kind == durable.NoticeCanary {
				notices.Add(1)
			}
		}
		job.Observe = func(e durable.Event) {
			if e.Run != nil && e.Run.State == durable.StatePaused && e.Run.Code == durable.RunFailing {
				codes.Add(1)
			}
		}
		for n := range int64(2) {
			ctx, stop := context.WithCancel(w.T.Context())
			run := startRun(ctx, w, job)
			time.Sleep(30 * time.Minute)
			if err := run.Pause(w.T.Context()); err != nil {
				w.T.Fatal(err)
			}
			time.Sleep(5 * time.Hour)
			s := mustStatus(w.T, run.Handle)
			if s.State != durable.StatePaused || !strings.Contains(s.Reason, "of the first 20 answers, 16 failed") || s.Settled() != 20 || notices.Load() != n+1 || codes.Load() != n+1 {
				w.T.Errorf("%d notices, %d codes: %+v", notices.Load(), codes.Load(), s)
			}
			stop()
			_, _ = run.end()
		}
	})
}

// A run that is resumed while no process runs it lets the others follow, too.
func TestAPausedCanaryIsResumedBetweenProcesses(t *testing.T) {
	t.Parallel()
	sick := &ailing{model: "gpt-mini"}
	w := durabletest.New(t, simulator.Config{Answer: sick.answer})
	w.Write("in.jsonl", durabletest.Tickets(100)...)
	job := unguarded(w.Job())
	job.Model, job.Canary = "gpt-mini", durable.Canary{Items: 20}
	ctx, stop := context.WithCancelCause(t.Context())
	job.Notify = func(n durable.Notice) {
		if strings.Contains(n.Text, "paused") {
			stop(durabletest.ErrEnough)
		}
	}
	if _, err := w.Run(ctx, job); !errors.Is(err, durabletest.ErrEnough) {
		t.Fatal(err)
	}
	if err := w.Attach().Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	job.Notify = nil
	if report := w.MustRun(job); report.Settled() != 100 || !report.Canary.Passed || report.Canary.Failed != 16 {
		t.Errorf("%+v, %+v", report.Progress, report.Canary)
	}
}

// A canary that is stopped anywhere, and loses its index, asks as many rows as
// it says and no others before it is judged, and is judged once.
func TestACanaryThatIsStoppedAnywhereAsksNoMore(t *testing.T) {
	t.Parallel()
	for _, stop := range []int64{1, 3, 6} {
		t.Run(fmt.Sprint(stop), func(t *testing.T) {
			t.Parallel()
			cfg := simulator.Config{Answer: varied, Latency: simulator.Latency{Processing: time.Hour}}
			durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
				w.Write("in.jsonl", durabletest.Tickets(80)...)
				for n := 0; ; n++ {
					ctx, cancel := context.WithCancelCause(w.T.Context())
					var seen atomic.Int64
					most := stop
					if n > 3 {
						most = math.MaxInt64
					}
					w.Log.OnMessage(func(message string) {
						if message == "batch" && seen.Add(1) > most {
							cancel(durabletest.ErrEnough)
						}
					})
					job := budgetJob(w)
					job.Batch.MaxItems, job.Canary = 20, durable.Canary{Items: 30}
					report, err := w.Run(ctx, job)
					cancel(nil)
					if report.Finished {
						rows, marks := sealedBefore(w)
						if rows != 30 || marks != 1 || report.Canary.Answers != 30 || !report.Canary.Passed {
							w.T.Errorf("%d rows before %d marks: %+v", rows, marks, report.Canary)
						}
						w.WantBilledOnce(80)
						return
					}
					if !errors.Is(err, durabletest.ErrEnough) {
						w.T.Fatal(err)
					}
					if n%2 == 1 {
						w.LoseIndex()
						w.Rebuild()
					}
				}
			})
		})
	}
}

// A canary is judged by its failures, its invalid answers and what they cost.
func TestACanaryIsJudgedByItsAnswers(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Answer: varied})
	w.Write("in.jsonl", durabletest.Tickets(60)...)
	for name, c := range map[string]struct {
		canary durable.Canary
		check  func(string) bool
		want   string // of the reason; "" if it passes
	}{
		"a few are invalid":  {durable.Canary{Items: 40, MaxInvalid: 0.1}, func(id string) bool { return strings.HasSuffix(id, "7") }, ""},
		"many are invalid":   {durable.Canary{Items: 40}, func(id string) bool { return strings.ContainsAny(id[len(id)-1:], "37") }, "8 were invalid (20 %, 10 % may)"},
		"many may be":        {durable.Canary{Items: 40, MaxInvalid: 0.2}, func(id string) bool { return strings.ContainsAny(id[len(id)-1:], "37") }, ""},
		"they cost too much": {durable.Canary{Items: 40, MaxCost: 1}, nil, "on average ($0.000000000001 at most)"},
		"they cost enough":   {durable.Canary{Items: 40, MaxCost: price.Cent}, nil, ""},
	} {
		job := unguarded(w.Job())
		job.Prices, job.Canary, job.Reasks = testPrices(t), c.canary, -1
		job.Check = func(key string, _ llm.Reply) error {
			if c.check != nil && c.check(key) {
				return errors.New("not this one")
			}
			return nil
		}
		ctx, stop := context.WithCancelCause(t.Context())
		reason := ""
		job.Notify = func(n durable.Notice) { reason = n.Text; stop(durabletest.ErrEnough) }
		job.Name, job.Samples = name, true
		job.Dir = w.StateDir()
		report, err := durable.Run(ctx, job)
		if stop(nil); (c.want == "") != report.Finished || !strings.Contains(reason, c.want) || report.Canary.Passed != report.Finished || report.Canary.Answers != 40 {
			t.Errorf("%s: %q, %v, %+v", name, reason, err, report.Canary)
		}
	}
}

// What nobody knows the price of cannot be judged by its cost.
func TestACanaryThatBoundsCostsNeedsPrices(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(20)...)
	job := w.Job()
	job.Model, job.Canary = "gpt-nobody-knows", durable.Canary{Items: 10, MaxCost: price.Cent}
	if _, err := w.Run(t.Context(), job); !errors.As(err, new(*durable.UnknownPriceError)) {
		t.Error(err)
	}
	w.WantBilledOnce(0)
}

func TestACanaryThatIsWrong(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	for want, canary := range map[string]durable.Canary{
		"Canary.Share is 2":      {Share: 2},
		"Canary.MaxFailed is -1": {Items: 1, MaxFailed: -1},
		"MaxInvalid is NaN":      {Items: 1, MaxInvalid: math.NaN()},
		"must not be negative":   {Items: -1},
		"give one of them":       {Items: 1, Share: 0.1},
		"needs Job.ReadAll":      {Share: 0.1},
		"neither Items nor":      {MaxCost: 1},
	} {
		job := w.Job()
		job.Canary = canary
		if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", canary, err)
		}
	}
}
