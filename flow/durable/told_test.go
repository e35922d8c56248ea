package durable_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// earful is what a job was told, and when.
type earful struct {
	mu    sync.Mutex
	start time.Time
	told  []durable.Notice
	at    []time.Duration
}

func listen(job *durable.Job[durabletest.Ticket]) *earful {
	e := &earful{start: time.Now()}
	job.Notify = func(n durable.Notice) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.told, e.at = append(e.told, n), append(e.at, time.Since(e.start))
	}
	return e
}

// of returns the notices of a kind and when each was told.
func (e *earful) of(kind durable.NoticeKind) (told []durable.Notice, at []time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, n := range e.told {
		if n.Kind == kind {
			told, at = append(told, n), append(at, e.at[i])
		}
	}
	return told, at
}

// wantTold fails unless a notice of the kind was told, the first by then, with
// these words.
func wantTold(w *durabletest.World, e *earful, kind durable.NoticeKind, by time.Duration, words ...string) durable.Notice {
	w.T.Helper()
	told, at := e.of(kind)
	if len(told) == 0 || at[0] > by {
		w.T.Fatalf("%s: told %+v at %v, want one by %s", kind, e.told, e.at, by)
	}
	for _, word := range words {
		if !strings.Contains(told[0].Text+"; "+told[0].Advice, word) {
			w.T.Errorf("%s: no %q in %+v", kind, word, told[0])
		}
	}
	return told[0]
}

// outage lets nobody through while it lasts.
func outage(lasts func() bool, err error) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return durabletest.RoundTripper(func(r *http.Request) (*http.Response, error) {
			if !lasts() {
				return next.RoundTrip(r)
			}
			if err == nil {
				<-r.Context().Done()
				return nil, context.Cause(r.Context())
			}
			return nil, err
		})
	}
}

var (
	refused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	unnamed = &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "api.example.com", IsNotFound: true}}
	forever = func() bool { return true }
	anHour  = simulator.Config{Latency: simulator.Latency{Processing: time.Hour}}
)

func TestFirstStartThatReachesNobodyEndsAfterAMinute(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err   error
		at    time.Duration // of the first notice
		words []string
	}{
		"refused":   {refused, 0, []string{"127.0.0.1", "connection refused"}},
		"no name":   {unnamed, 0, []string{"127.0.0.1", "no such host"}},
		"no answer": {nil, time.Minute, []string{"127.0.0.1"}},
	} {
		durabletest.Bubble(t, simulator.Config{}, openai.Config{}, outage(forever, test.err), func(w *durabletest.World) {
			t := w.T
			w.Write("in.jsonl", durabletest.Tickets(3)...)
			job := w.Job()
			told := listen(&job)
			start := time.Now()
			_, err := w.Run(t.Context(), job)
			wantWithin(w, start, 50*time.Second, 61*time.Second)
			var nobody *durable.UnreachableError
			if !errors.As(err, &nobody) || retry.ClassOf(err) != retry.Retryable {
				t.Fatalf("%s: %v", name, err)
			}
			for _, word := range append(test.words, "nothing was bought", "check") {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%s: no %q in %v", name, word, err)
				}
			}
			if test.err != nil {
				if n := wantTold(w, told, durable.NoticeUnreachable, test.at, test.words...); !n.Next.After(start) || !strings.Contains(n.Advice, "ends if this lasts") {
					t.Errorf("%s: %+v", name, n)
				}
			}
			h, err := w.StateDir().Attach(job.Name)
			if err != nil {
				t.Fatal(err)
			}
			if s, err := h.Status(); err != nil || s.State != durable.StateStopped || !strings.Contains(s.Reason, "127.0.0.1") {
				t.Errorf("%s: status %+v, %v", name, s, err)
			}
		})
	}
}

func TestFirstStartAtAProviderThatIsDownEndsAfterAMinute(t *testing.T) {
	t.Parallel()
	down := simulator.Config{Faults: []simulator.Fault{{Action: simulator.ActionFail, Status: 503, Times: -1}}}
	durabletest.Bubble(t, down, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(3)...)
		job := w.Job()
		told := listen(&job)
		start := time.Now()
		_, err := w.Run(w.T.Context(), job)
		wantWithin(w, start, 0, 61*time.Second)
		if _, ok := errors.AsType[*durable.UnreachableError](err); !ok || !strings.Contains(err.Error(), "503") {
			w.T.Error(err)
		}
		wantTold(w, told, durable.NoticeUnreachable, 50*time.Second, "503")
	})
}

// A run that may be cancelled is not deaf while it waits.
func TestFirstStartThatReachesNobodyCanBeCancelled(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, outage(forever, refused), func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(3)...)
		run := startRun(w.T.Context(), w, w.Job())
		time.Sleep(20 * time.Second)
		start := time.Now()
		if err := run.Cancel(w.T.Context()); err != nil {
			w.T.Fatal(err)
		}
		_, err := run.Wait(w.T.Context())
		wantWithin(w, start, 0, 35*time.Second)
		if _, ok := errors.AsType[*durable.CancelledError](err); !ok {
			w.T.Error(err)
		}
		_, _ = run.end()
	})
}

// What is bought is worth any wait. It is told at once, and not each time.
func TestRunWithOpenBatchesWaitsForTheProvider(t *testing.T) {
	t.Parallel()
	down := false
	start := time.Now()
	lasts := func() bool { return down && time.Since(start) < 90*time.Minute }
	durabletest.Bubble(t, anHour, openai.Config{}, outage(lasts, unnamed), func(w *durabletest.World) {
		t := w.T
		start = time.Now()
		w.Write("in.jsonl", durabletest.Tickets(6)...)
		job := w.Job()
		job.Batch = durable.BatchLimits{MaxItems: 1}
		brief, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if _, err := w.Run(brief, job); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		down = true
		told := listen(&job)
		report := w.MustRun(job)
		wantWithin(w, start, 90*time.Minute, 100*time.Minute)
		if report.Succeeded != 6 || report.Batches != 6 {
			t.Errorf("report %+v", report)
		}
		wantTold(w, told, durable.NoticeUnreachable, 0, "no such host")
		if n, at := told.of(durable.NoticeUnreachable); len(n) > 6 || len(told.told) > 6 {
			t.Errorf("told %d times in 90 minutes, at %v: %+v", len(told.told), at, told.told)
		}
	})
}

// An outage is one, however many batches it concerns.
func TestOutageDuringARunIsToldOnce(t *testing.T) {
	t.Parallel()
	var from, until time.Time
	lasts := func() bool { return time.Now().After(from) && time.Now().Before(until) }
	durabletest.Bubble(t, anHour, openai.Config{}, outage(lasts, refused), func(w *durabletest.World) {
		t := w.T
		from, until = time.Now().Add(10*time.Minute), time.Now().Add(50*time.Minute)
		w.Write("in.jsonl", durabletest.Tickets(6)...)
		job := w.Job()
		job.Batch = durable.BatchLimits{MaxItems: 1}
		told := listen(&job)
		run := startRun(t.Context(), w, job)
		time.Sleep(20 * time.Minute)
		s, err := run.Status()
		if err != nil || !slices.ContainsFunc(s.Notices, func(n durable.Notice) bool {
			return n.Kind == durable.NoticeUnreachable && n.Tag == "" && n.Times > 1 && n.Next.After(n.Since)
		}) {
			t.Errorf("status in the outage: %+v, %v", s.Notices, err)
		}
		report, err := run.Wait(t.Context())
		_, _ = run.end()
		if err != nil || report.Succeeded != 6 {
			t.Fatalf("%+v, %v", report, err)
		}
		wantTold(w, told, durable.NoticeUnreachable, 12*time.Minute, "connection refused")
		if n := len(told.told); n > 6 {
			t.Errorf("told %d times: %+v", n, told.told)
		}
		if s, err := w.Attach().Status(); err != nil || len(s.Notices) > 0 {
			t.Errorf("status at the end: %+v, %v", s.Notices, err)
		}
	})
}

func TestLongRetryAfterIsToldAtOnce(t *testing.T) {
	t.Parallel()
	limited := simulator.Config{Faults: []simulator.Fault{
		{Route: "POST /v1/files", Action: simulator.ActionFail, Status: 429, Header: map[string]string{"Retry-After": "1800"}},
	}}
	durabletest.Bubble(t, limited, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(3)...)
		job := w.Job()
		told := listen(&job)
		start := time.Now()
		w.MustRun(job)
		n := wantTold(w, told, durable.NoticeLimited, time.Second, "30m0s", "429", "upload")
		if wait := n.Next.Sub(start); wait < 30*time.Minute || wait > 31*time.Minute {
			w.T.Errorf("next try in %s", wait)
		}
	})
}

func TestDownloadThatFailsAgainAndAgainIsTold(t *testing.T) {
	t.Parallel()
	broken := simulator.Config{Faults: []simulator.Fault{{Route: contentRoute, Action: simulator.ActionReset, Times: 9}}}
	durabletest.Bubble(t, broken, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(3)...)
		job := w.Job()
		told := listen(&job)
		w.MustRun(job)
		w.WantBilledOnce(3)
		for _, kind := range []durable.NoticeKind{durable.NoticeUnreachable, durable.NoticeWaiting} {
			if n, at := told.of(kind); len(n) > 0 {
				if at[0] > time.Minute || n[0].Next.IsZero() || !strings.Contains(n[0].Text, "content") {
					w.T.Errorf("%+v at %s", n[0], at[0])
				}
				return
			}
		}
		w.T.Errorf("nothing was told")
	})
}

// A failure that passes at once is nobody's concern.
func TestOneFailureIsNotTold(t *testing.T) {
	t.Parallel()
	hiccups := simulator.Config{Faults: []simulator.Fault{
		{Route: contentRoute, Action: simulator.ActionReset},
		{Route: getBatch, Action: simulator.ActionFail, Status: 502},
		{Route: "POST /v1/files", Action: simulator.ActionFail, Status: 429, Header: map[string]string{"Retry-After": "5"}},
	}}
	durabletest.Bubble(t, hiccups, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(3)...)
		job := w.Job()
		told := listen(&job)
		w.MustRun(job)
		if len(told.told) > 0 {
			w.T.Errorf("told %+v", told.told)
		}
	})
}

func TestBatchThatIsUnknownForLongIsTold(t *testing.T) {
	t.Parallel()
	lost := simulator.Config{Faults: []simulator.Fault{{
		Route: getBatch, Action: simulator.ActionReplace, Status: 404, Times: -1,
		Body: `{"error":{"message":"No batch found with id 'x'.","type":"invalid_request_error","param":null,"code":null}}`,
	}}}
	durabletest.Bubble(t, lost, openai.Config{Limits: sink.Limits{Window: 10 * time.Minute}}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(3)...)
		job := w.Job()
		job.MaxAttempts, job.Grace = 1, 2*time.Minute
		told := listen(&job)
		if _, err := w.Run(w.T.Context(), job); err != nil && retry.ClassOf(err) != retry.Permanent {
			w.T.Fatal(err)
		}
		n := wantTold(w, told, durable.NoticeWaiting, time.Minute, "cannot be polled", "No batch found", "given up at", "key")
		if n.Batch == "" || n.Next.IsZero() {
			w.T.Errorf("%+v", n)
		}
		wantTold(w, told, durable.NoticeGivenUp, 15*time.Minute, "12m0s after it was sent")
	})
}

func TestUnknownStatusIsTold(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{Latency: simulator.Latency{Processing: 20 * time.Minute}}, openai.Config{}, rename("in_progress", "in_review"), func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(3)...)
		job := w.Job()
		told := listen(&job)
		w.MustRun(job)
		wantTold(w, told, durable.NoticeWaiting, time.Minute, `"in_review"`, "given up at")
		if s, err := w.Attach().Status(); err != nil || len(s.Notices) > 0 {
			w.T.Errorf("status at the end: %+v, %v", s.Notices, err)
		}
	})
}

func TestStallIsTold(t *testing.T) {
	t.Parallel()
	slow := simulator.Config{Latency: simulator.Latency{Processing: 2 * time.Hour}}
	uncounted := edit(func(_ string, batch map[string]any) {
		if batch["status"] == "in_progress" {
			batch["request_counts"] = nil
		}
	})
	durabletest.Bubble(t, slow, openai.Config{}, uncounted, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(500)...) // five batches
		job := w.Job()
		told := listen(&job)
		run := startRun(t.Context(), w, job)
		time.Sleep(15 * time.Minute)
		s, err := run.Status()
		if err != nil || len(s.Notices) != 1 || len(s.Open) != 5 || s.Open[0].Phase != "in_progress" {
			t.Errorf("status %+v, %v", s, err)
		}
		if _, err := run.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _ = run.end()
		wantTold(w, told, durable.NoticeWaiting, 12*time.Minute, "nothing has moved for 10m0s", "5 open: batch "+s.Open[0].Batch+" in_progress, 0 of 100 rows", "and 2 more")
		if n := len(told.told); n > 5 {
			t.Errorf("told %d times in 2 hours, at %v", n, told.at)
		}
		if s, err := w.Attach().Status(); err != nil || len(s.Notices) > 0 {
			t.Errorf("status at the end: %+v, %v", s.Notices, err)
		}
	})
}

// Counts that grow are no stall.
func TestBatchThatGetsOnDoesNotStall(t *testing.T) {
	t.Parallel()
	slow := simulator.Config{Latency: simulator.Latency{Processing: 2 * time.Hour}}
	durabletest.Bubble(t, slow, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(100)...)
		job := w.Job()
		told := listen(&job)
		w.MustRun(job)
		if len(told.told) > 0 {
			w.T.Errorf("told %+v", told.told)
		}
	})
}

func TestPausedRunDoesNotStall(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, anHour, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(3)...)
		job := w.Job()
		told := listen(&job)
		run := startRun(t.Context(), w, job)
		time.Sleep(time.Second)
		if err := run.Pause(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		if len(told.told) > 0 {
			t.Errorf("told %+v", told.told)
		}
		if err := run.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := run.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		_, _ = run.end()
	})
}

func TestCreationsThatWaitForTheirPaceAreTold(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(4)...)
		job := w.Job()
		job.Batch = durable.BatchLimits{MaxItems: 1}
		job.Creates = durable.Rate{Requests: 12, Per: time.Hour}
		told := listen(&job)
		w.MustRun(job)
		wantTold(w, told, durable.NoticePaced, 2*time.Minute, "12 in 1h0m0s", "Job.Creates")
		if s, err := w.Attach().Status(); err != nil || len(s.Notices) > 0 {
			w.T.Errorf("status at the end: %+v, %v", s.Notices, err)
		}
	})
}

func TestUnclearCreationIsTold(t *testing.T) {
	t.Parallel()
	late := simulator.Config{Faults: []simulator.Fault{
		{Route: "POST /v1/batches", Action: simulator.ActionLate, Delay: 5 * time.Minute},
	}}
	durabletest.Bubble(t, late, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(3)...)
		job := w.Job()
		told := listen(&job)
		w.MustRun(job)
		w.WantBilledOnce(3)
		wantTold(w, told, durable.NoticeUnclear, time.Second, "not answered", "sent again only if it is not there by")
		if s, err := w.Attach().Status(); err != nil || len(s.Notices) > 0 {
			w.T.Errorf("status at the end: %+v, %v", s.Notices, err)
		}
	})
}

// A transfer that is stuck, or trickles, ends in time and is made again.
func TestStuckTransfersAreMadeAgain(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{
		"download trickles": {Route: contentRoute, Action: simulator.ActionTrickle, Delay: 20 * time.Second, Times: 2},
		"download hangs":    {Route: contentRoute, Action: simulator.ActionHang, Times: 2},
		"upload hangs":      {Route: "POST /v1/files", Action: simulator.ActionHang, Times: 2},
		"look hangs":        {Route: getBatch, Action: simulator.ActionHang, Times: 2},
		"look trickles":     {Route: getBatch, Action: simulator.ActionTrickle, Delay: 20 * time.Second, Times: 2},
		"list hangs":        {Route: "GET /v1/batches", Action: simulator.ActionHang},
	} {
		durabletest.Bubble(t, simulator.Config{Faults: []simulator.Fault{fault}}, openai.Config{}, nil, func(w *durabletest.World) {
			w.Write("in.jsonl", durabletest.Tickets(3)...)
			start := time.Now()
			job := w.Job()
			if name == "list hangs" { // a first start has but a minute
				if _, err := w.Run(w.T.Context(), job); err == nil {
					w.T.Errorf("%s: no error", name)
				}
				wantWithin(w, start, 0, 61*time.Second)
				return
			}
			if report := w.MustRun(job); report.Succeeded != 3 || report.Batches != 1 {
				w.T.Errorf("%s: %+v", name, report)
			}
			wantWithin(w, start, time.Minute, 6*time.Minute)
		})
	}
}
