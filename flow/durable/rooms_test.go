package durable_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/live"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// oneBatch is how many tokens a batch of twelve long tickets has, and few more.
const oneBatch = 61_000

// oneAtATime is a provider that has room for one of these.
var oneAtATime = simulator.Config{
	Limits:  simulator.Limits{EnqueuedTokens: oneBatch},
	Latency: simulator.Latency{Processing: 5 * time.Minute},
}

// longTickets are tickets of about 5,000 tokens.
func longTickets(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"id":"t-%d","text":"%s%d"}`, i, strings.Repeat("word ", 4000), i)
	}
	return lines
}

// vague removes from refusals how much may be enqueued.
func vague(next http.RoundTripper) http.RoundTripper {
	return edit(func(_ string, b map[string]any) {
		if errs, _ := b["errors"].(map[string]any); errs != nil {
			errs["data"] = []any{map[string]any{"code": "token_limit_exceeded", "message": "too much"}}
		}
	})(next)
}

// If there is room for one batch, it is found by two refusals at most, and if
// that is known, by none.
func TestBatchesAreSentWhenThereIsRoom(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		known   sink.Enqueued
		wrap    func(http.RoundTripper) http.RoundTripper
		refused int
	}{
		"known":                     {known: sink.Enqueued{Tokens: oneBatch}},
		"known as rows":             {known: sink.Enqueued{Rows: 12}},
		"known as batches":          {known: sink.Enqueued{Batches: 1}},
		"learned":                   {refused: 2},
		"learned without a number":  {wrap: vague, refused: 2},
		"thought to be more, by 5":  {known: sink.Enqueued{Tokens: 5 * oneBatch}, refused: 2},
		"thought to be more, by 20": {known: sink.Enqueued{Tokens: 20 * oneBatch}, refused: 2},
		"and nobody says how many":  {known: sink.Enqueued{Tokens: 20 * oneBatch}, wrap: vague, refused: 2},
	} {
		durabletest.Bubble(t, oneAtATime, openai.Config{}, test.wrap, func(w *durabletest.World) {
			w.Write("in.jsonl", longTickets(72)...)
			job := w.Job()
			job.Batch.MaxItems, job.Enqueued = 12, test.known
			notices := told(&job)
			start := time.Now()
			report := w.MustRun(job)
			wantWithin(w, start, 30*time.Minute, 45*time.Minute)
			if report.Succeeded != 72 || report.Batches != 6 || report.Refused > test.refused {
				w.T.Errorf("%s: report %+v", name, report)
			}
			w.T.Logf("%s: %d refused of %d", name, report.Refused, countCalls(w, createBatch))
			wantRequests(w, uploadFile, 6, 6)
			wantRequests(w, createBatch, 6, 6+test.refused)
			w.WantBilledOnce(72)
			wantRoomNotice(w, *notices)
		})
	}
}

// wantRoomNotice fails unless one notice says that batches wait for room, and
// for how much.
func wantRoomNotice(w *durabletest.World, all []durable.Notice) {
	w.T.Helper()
	for _, n := range all {
		if n.Kind == durable.NoticeRoom {
			if !strings.Contains(n.Text, "wait for room") || !strings.Contains(n.Text, "the next has") || n.Advice == "" {
				w.T.Errorf("told %+v", n)
			}
			if s, err := w.Attach().Status(); err != nil || len(s.Notices) != 0 {
				w.T.Errorf("at the end: %+v, %v", s.Notices, err)
			}
			return
		}
	}
	w.T.Errorf("nothing told of the wait: %+v", all)
}

// Jobs of a state directory share the room of their account.
func TestJobsShareTheRoomOfAnAccount(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		known   sink.Enqueued
		refused int
	}{
		"known":   {known: sink.Enqueued{Tokens: oneBatch}},
		"learned": {refused: 2},
	} {
		durabletest.Bubble(t, oneAtATime, openai.Config{}, nil, func(w *durabletest.World) {
			w.Write("a.in", longTickets(36)...)
			w.Write("b.in", longTickets(36)...)
			var both sync.WaitGroup
			for _, name := range []string{"a", "b"} {
				job := w.Job()
				job.Batch.MaxItems, job.Enqueued, job.Cache = 12, test.known, -1
				both.Go(func() {
					if report, _, err := w.RunAs(name, job); err != nil || report.Succeeded != 36 {
						w.T.Errorf("%s: %+v, %v", name, report, err)
					}
				})
			}
			both.Wait()
			wantRequests(w, createBatch, 6, 6+test.refused)
			w.T.Logf("%s: %d created", name, countCalls(w, createBatch))
		})
	}
}

// A job of a higher priority gets the room before one that waits already.
func TestRoomGoesByThePriorityOfJobs(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, oneAtATime, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("low.in", longTickets(48)...)
		w.Write("high.in", longTickets(24)...)
		ended := make(chan string, 2)
		var both sync.WaitGroup
		for name, priority := range map[string]int{"low": 0, "high": 1} {
			both.Go(func() {
				job := w.Job()
				job.Batch.MaxItems, job.Enqueued.Tokens, job.Cache, job.RunPriority = 12, oneBatch, -1, priority
				if priority > 0 {
					time.Sleep(time.Minute) // the other one has a batch open, and others wait
				}
				if _, _, err := w.RunAs(name, job); err != nil {
					w.T.Errorf("%s: %v", name, err)
				}
				ended <- name
			})
		}
		both.Wait()
		if first := <-ended; first != "high" {
			w.T.Errorf("%s ended first", first)
		}
		wantRequests(w, createBatch, 6, 6)
	})
}

// What is enqueued is known after a restart, to the job itself and to another
// one, for which it ends though nobody waits for it.
func TestRoomIsKnownAfterARestart(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		known   sink.Enqueued
		refused int
	}{
		"known":   {known: sink.Enqueued{Tokens: oneBatch}},
		"learned": {refused: 2},
	} {
		durabletest.Bubble(t, oneAtATime, openai.Config{}, nil, func(w *durabletest.World) {
			t := w.T
			w.Write("in.jsonl", longTickets(72)...)
			job := w.Job()
			job.Batch.MaxItems, job.Enqueued, job.Cache = 12, test.known, -1
			for range 2 {
				ctx, cancel := context.WithTimeout(t.Context(), 7*time.Minute)
				if _, err := w.Run(ctx, job); !errors.Is(err, context.DeadlineExceeded) {
					t.Fatal(err)
				}
				cancel()
			}
			left := countCalls(w, createBatch)
			w.Write("other.in", longTickets(12)...)
			if report, _, err := w.RunAs("other", job); err != nil || report.Succeeded != 12 || report.Refused > 0 {
				t.Errorf("%s: the other: %+v, %v", name, report, err)
			}
			if n := countCalls(w, createBatch) - left; n != 1 {
				t.Errorf("%s: the other created %d batches", name, n)
			}
			if report := w.MustRun(job); report.Succeeded != 72 {
				t.Errorf("%s: report %+v", name, report)
			}
			wantRequests(w, createBatch, 7, 7+test.refused)
			t.Logf("%s: %d created", name, countCalls(w, createBatch))
		})
	}
}

// Batches have no more tokens than they may, nor than may be enqueued, and are
// about as large as each other.
func TestBatchesAreCutByTokens(t *testing.T) {
	t.Parallel()
	for name, adjust := range map[string]func(*durable.Job[durabletest.Ticket]){
		"by what may be enqueued": func(j *durable.Job[durabletest.Ticket]) { j.Enqueued.Tokens = oneBatch },
		"by what a batch may have": func(j *durable.Job[durabletest.Ticket]) {
			j.Enqueued.Tokens, j.Batch.MaxTokens = 2*oneBatch, oneBatch
		},
	} {
		durabletest.Bubble(t, oneAtATime, openai.Config{}, nil, func(w *durabletest.World) {
			w.Write("in.jsonl", longTickets(30)...)
			job := w.Job()
			adjust(&job)
			job.Enqueued.Batches = 1
			report := w.MustRun(job)
			if report.Succeeded != 30 || report.Refused > 0 || report.Batches != 3 {
				w.T.Errorf("%s: report %+v", name, report)
			}
			for _, b := range w.Server.Batches() {
				if b.Rows > 12 || name == "by what may be enqueued" && b.Rows < 9 {
					w.T.Errorf("%s: a batch of %d rows", name, b.Rows)
				}
			}
		})
	}
}

// A row for which there will never be room is refused with its line, before
// anything is bought. One that may be too large is sent alone.
func TestARowLargerThanTheRoomIsRefused(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", append(durabletest.Tickets(3), longTickets(5)[4])...)
		job := w.Job()
		job.Enqueued.Tokens = 2000
		_, err := w.Run(w.T.Context(), job)
		bad, ok := errors.AsType[*durable.InputError](err)
		if !ok || bad.Line != 4 || !strings.Contains(err.Error(), "2000 enqueued") {
			w.T.Errorf("error %v", err)
		}
		wantRequests(w, uploadFile, 0, 0)
		job.Enqueued.Tokens = 4000
		if report := w.MustRun(job); report.Succeeded != 4 || report.Batches != 2 {
			w.T.Errorf("report %+v", report)
		}
	})
}

// A batch that waits for the room of an account which is then blocked does not
// wait any longer: its rows go to another route, and the run ends.
func TestABatchDoesNotWaitForTheRoomOfABlockedAccount(t *testing.T) {
	t.Parallel()
	slow := simulator.Config{Latency: simulator.Latency{Processing: 5 * time.Minute}}
	durabletest.Bubble(t, slow, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(200)...)
		job := twoRoutes(w)
		job.Choose = router.RoundRobin[durable.Waiting]()
		job.Routes[0].Provider, job.Routes[0].Enqueued.Batches = blind{job.Routes[0].Provider}, 1
		ctx, cancel := context.WithTimeout(w.T.Context(), 24*time.Hour)
		defer cancel()
		report, err := w.Run(ctx, job)
		if retry.ClassOf(err) != retry.Blocked || report.Succeeded != 180 {
			w.T.Errorf("%+v, %v", report, err)
		}
		if n := createdFor(w, "gpt-mini"); n != 1 {
			w.T.Errorf("%d batches were created for the account", n)
		}
	})
}

// A job that is paused has no room, so that others go on.
func TestAPausedJobLeavesTheRoomToOthers(t *testing.T) {
	t.Parallel()
	slow := simulator.Config{Latency: simulator.Latency{Processing: 5 * time.Minute}}
	durabletest.Bubble(t, slow, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(40)...)
		w.Write("other.in", durabletest.Tickets(40)...)
		job := w.BriskJob()
		job.Batch.MaxItems, job.Enqueued.Batches, job.Cache = 20, 1, -1
		run := startRun(w.T.Context(), w, job)
		time.Sleep(time.Minute)
		if err := w.Attach().Pause(w.T.Context()); err != nil {
			w.T.Fatal(err)
		}
		time.AfterFunc(4*time.Hour, func() { _ = run.Resume(w.T.Context()) })
		time.Sleep(20 * time.Minute)
		start := time.Now()
		if report, _, err := w.RunAs("other", job); err != nil || report.Succeeded != 40 {
			w.T.Errorf("the other: %+v, %v", report, err)
		}
		if took := time.Since(start); took > time.Hour {
			w.T.Errorf("the other waited for the paused one: %s", took)
		}
		if report, err := run.end(); err != nil || report.Succeeded != 40 {
			w.T.Errorf("report %+v, %v", report, err)
		}
	})
}

// Live batches do not wait for the room of the batch API.
func TestLiveBatchesDoNotWaitForRoom(t *testing.T) {
	t.Parallel()
	slow := simulator.Config{Latency: simulator.Latency{Processing: 20 * time.Minute}}
	durabletest.Bubble(t, slow, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(160)...)
		p := openLive(w, "sk-test", live.Config{})
		defer closeLive(w, p)
		job := besides(w, p)
		job.Routes[0].Enqueued.Batches = 1
		start := time.Now()
		var took time.Duration
		job.Progress = func(p durable.Progress) {
			for _, r := range p.Routes {
				if r.Name == "live" && r.Succeeded == 40 && took == 0 {
					took = time.Since(start)
				}
			}
		}
		w.MustRun(job)
		if took == 0 || took > 20*time.Minute {
			w.T.Errorf("the live rows took %s", took)
		}
	})
}

// narrow is a provider that refuses to create a batch while it has another.
type narrow struct {
	sink.Provider
	world   *durabletest.World
	refused *atomic.Int64
}

func (n narrow) Create(ctx context.Context, spec sink.Spec, file string, rows sink.Rows) (string, error) {
	for _, b := range n.world.Server.Batches() {
		if b.Status == "in_progress" || b.Status == "validating" {
			n.refused.Add(1)
			return "", fmt.Errorf("create: %w", sink.ErrFull)
		}
	}
	return n.Provider.Create(ctx, spec, file, rows)
}

// A refused creation teaches as much as a batch that is refused later, also for
// the next job.
func TestARefusedCreationTeachesTheLimit(t *testing.T) {
	t.Parallel()
	slow := simulator.Config{Latency: simulator.Latency{Processing: 5 * time.Minute}}
	durabletest.Bubble(t, slow, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("a.in", longTickets(36)...)
		w.Write("b.in", longTickets(36)...)
		var refused atomic.Int64
		for _, name := range []string{"a", "b"} {
			job := w.Job()
			job.Provider = narrow{w.Provider, w, &refused}
			job.Batch.MaxItems, job.Cache = 12, -1
			before := refused.Load()
			if report, _, err := w.RunAs(name, job); err != nil || report.Succeeded != 36 {
				w.T.Errorf("%s: %+v, %v", name, report, err)
			}
			if n := refused.Load() - before; name == "a" && n == 0 || name == "b" && n > 0 {
				w.T.Errorf("%s: %d creations were refused", name, n)
			}
		}
	})
}
