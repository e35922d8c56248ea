package durable_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

const getBatch = "GET /v1/batches/{id}"

func TestABatchExpiresAfterADay(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("Badger wakes up some million times a day")
	}
	durabletest.Bubble(t, simulator.Config{Latency: simulator.Latency{Processing: 48 * time.Hour}}, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(64)...)
		job := w.Job()
		job.MaxAttempts = 1
		start := time.Now()
		report := w.MustRun(job)
		wantWithin(w, start, 24*time.Hour, 24*time.Hour+10*time.Minute)
		if report.Succeeded != 32 || report.Failed != 32 || report.Batches != 1 || report.Unexpected != (durable.UnexpectedRows{}) {
			t.Errorf("report %+v", report)
		}
		for id, r := range w.Results() {
			if r.Status == durable.ItemFailed && r.Error.Code != "batch_expired" {
				t.Errorf("%s: %+v", id, r)
			}
		}
		w.WantBilledOnce(32)
	})
}

// vanishing is a provider whose first poll ends its goroutine, as a failed test
// in a fake does.
type vanishing struct {
	sink.Provider
	polls atomic.Int64
}

func (p *vanishing) Status(ctx context.Context, h sink.Handle) (sink.Status, error) {
	if p.polls.Add(1) == 1 {
		runtime.Goexit()
	}
	return p.Provider.Status(ctx, h)
}

func TestAPollThatEndsItsGoroutineIsMadeAgain(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(3)...)
		job := w.Job()
		p := &vanishing{Provider: w.Provider}
		job.Provider = p
		if report := w.MustRun(job); report.Succeeded != 3 || report.Batches != 1 || p.polls.Load() < 2 {
			w.T.Errorf("report %+v after %d polls", report, p.polls.Load())
		}
	})
}

// Each window does half of what is left, so three attempts leave an eighth.
func TestExpiredRowsGoAgain(t *testing.T) {
	t.Parallel()
	cfg := simulator.Config{Latency: simulator.Latency{Processing: 48 * time.Hour}, Speed: 24} // a window is an hour
	durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(64)...)
		job := w.Job()
		job.MaxAttempts = 3
		report := w.MustRun(job)
		if report.Succeeded != 56 || report.Failed != 8 || report.Batches != 3 || report.Retried != 48 {
			t.Errorf("report %+v", report)
		}
		w.WantBilledOnce(56)
	})
}

func TestLooksAtABatchGrowRareWithItsAge(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{Latency: simulator.Latency{Processing: 3 * time.Hour}}, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(3)...)
		w.MustRun(w.Job())
		var last time.Time
		looks, longest := 0, time.Duration(0)
		for r, err := range w.Server.Requests() {
			if err != nil {
				t.Fatal(err)
			}
			if r.Route != getBatch {
				continue
			}
			if looks++; looks > 1 {
				longest = max(longest, r.Time.Sub(last))
			}
			last = r.Time
		}
		if longest < 4*time.Minute || longest > 6*time.Minute || looks < 50 || looks > 150 {
			t.Errorf("%d looks in three hours, at most %s apart", looks, longest)
		}
	})
}

// A batch that has had all its time is cancelled: what it has counts, and the
// rest goes again.
func TestBatchThatTakesTooLongIsCancelled(t *testing.T) {
	t.Parallel()
	cfg := simulator.Config{Latency: simulator.Latency{Processing: 19 * time.Minute, Cancelling: 10 * time.Second}}
	durabletest.Bubble(t, cfg, openai.Config{Limits: sink.Limits{Window: 8 * time.Minute}}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(8)...)
		start := time.Now()
		job := w.Job()
		job.Grace = 2 * time.Minute
		report := w.MustRun(job) // ten minutes each for half of them, a quarter, an eighth and the last one
		wantWithin(w, start, 40*time.Minute, 48*time.Minute)
		if report.Succeeded != 7 || report.Failed != 1 || report.Batches != 4 {
			t.Errorf("report %+v", report)
		}
		w.WantBilledOnce(7)
		if n := w.Log.Count("not ended in time"); n != 4 {
			t.Errorf("%d warnings of 4 batches", n)
		}
	})
}

// A batch that the provider shows as unfinished after all its time may yet run
// and be paid for: it is cancelled, its end waited for, and then a person
// decides whether its rows go again. Should it end after all, its results
// count.
func TestBatchThatNeverEndsWaitsForAPerson(t *testing.T) {
	t.Parallel()
	for _, decision := range []durable.Decision{"", durable.DecisionFail, durable.DecisionSend} {
		var ended atomic.Bool
		var first atomic.Value
		stuck := edit(func(id string, batch map[string]any) {
			if first.CompareAndSwap(nil, id); first.Load() == id && !ended.Load() {
				batch["status"], batch["output_file_id"] = "cancelling", nil
			}
		})
		durabletest.Bubble(t, simulator.Config{}, openai.Config{Limits: sink.Limits{Window: 10 * time.Minute}}, stuck, func(w *durabletest.World) {
			t := w.T
			w.Write("in.jsonl", durabletest.Tickets(3)...)
			job := w.Job()
			job.Grace = 2 * time.Minute
			told := listen(&job)
			start := time.Now()
			report, err := w.Run(t.Context(), job)
			wantWithin(w, start, 14*time.Minute, 16*time.Minute) // window, grace and grace again
			var undecided *durable.UndecidedError
			if !errors.As(err, &undecided) || undecided.Batches[0].Missing != 3 || report.Retried > 0 || len(w.Server.Batches()) != 1 {
				t.Fatalf("%q: report %+v, %v", decision, report, err)
			}
			wantTold(w, told, durable.NoticeUndecided, 16*time.Minute, "has not ended it", "may yet run", "baler settle tickets --batch")
			if decision == "" {
				ended.Store(true)
			} else if err := w.Attach().Settle(t.Context(), undecided.Batches[0].Batch, decision); err != nil {
				t.Fatal(err)
			}
			report = w.MustRun(job)
			want := map[durable.Decision][3]int{"": {3, 0, 1}, durable.DecisionFail: {0, 3, 1}, durable.DecisionSend: {3, 0, 2}}[decision]
			if got := [3]int{report.Succeeded, report.Failed, len(w.Server.Batches())}; got != want {
				t.Errorf("%q: report %+v, %v", decision, report, got)
			}
		})
	}
}

func TestUnknownStatusIsWaitedOutWithOneWarning(t *testing.T) {
	t.Parallel()
	cfg := simulator.Config{Latency: simulator.Latency{Processing: 20 * time.Minute}}
	durabletest.Bubble(t, cfg, openai.Config{}, rename("in_progress", "in_review"), func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(200)...) // two batches
		start := time.Now()
		report := w.MustRun(w.Job())
		wantWithin(w, start, 20*time.Minute, 22*time.Minute)
		if report.Succeeded != 200 || report.Batches != 2 {
			t.Errorf("report %+v", report)
		}
		if n := w.Log.Count("unknown status"); n != 2 {
			t.Errorf("%d warnings of 2 batches", n)
		}
	})
}

// A terminal status that is not known yet: the results are there all the same.
func TestUnknownEndIsSalvaged(t *testing.T) {
	t.Parallel()
	wrap := rename("completed", "concluded")
	durabletest.Bubble(t, simulator.Config{}, openai.Config{Limits: sink.Limits{Window: 10 * time.Minute}}, wrap, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(20)...)
		start := time.Now()
		job := w.Job()
		job.Grace = 2 * time.Minute
		report := w.MustRun(job)
		wantWithin(w, start, 14*time.Minute, 15*time.Minute) // window, grace and grace again
		if report.Succeeded != 20 || report.Batches != 1 {
			t.Errorf("report %+v", report)
		}
		w.WantBilledOnce(20)
	})
}

func TestPollsThatFailSayNothingAboutRows(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{
		"not found": {Status: http.StatusNotFound, Times: 50},
		"down":      {Status: http.StatusBadGateway, Times: 200},
	} {
		fault.Route, fault.Action = getBatch, simulator.ActionFail
		durabletest.Bubble(t, simulator.Config{Faults: []simulator.Fault{fault}}, openai.Config{}, nil, func(w *durabletest.World) {
			t := w.T
			w.Write("in.jsonl", durabletest.Tickets(20)...)
			if report := w.MustRun(w.Job()); report.Succeeded != 20 || report.Batches != 1 || report.Retried != 0 {
				t.Errorf("%s: report %+v", name, report)
			}
			w.WantBilledOnce(20)
		})
	}
}

func TestBatchThatIsGoneForGoodIsSentAgain(t *testing.T) {
	t.Parallel()
	lost := simulator.Fault{Route: getBatch, Action: simulator.ActionFail, Status: http.StatusNotFound, Times: -1}
	durabletest.Bubble(t, simulator.Config{Faults: []simulator.Fault{lost}}, openai.Config{Limits: sink.Limits{Window: 10 * time.Minute}}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(5)...)
		job := w.Job()
		job.MaxAttempts, job.Grace = 2, 2*time.Minute
		start := time.Now()
		report := w.MustRun(job)
		wantWithin(w, start, 2*14*time.Minute, 2*16*time.Minute)
		if report.Failed != 5 || report.Batches != 2 {
			t.Errorf("report %+v", report)
		}
	})
}

// gauge counts how many polls are under way.
type gauge struct {
	next      http.RoundTripper
	now, most atomic.Int64

	mu    sync.Mutex
	times []time.Time
}

func (g *gauge) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/v1/batches/") {
		n := g.now.Add(1)
		g.mu.Lock()
		g.most.Store(max(g.most.Load(), n))
		g.times = append(g.times, time.Now())
		g.mu.Unlock()
		defer g.now.Add(-1)
		time.Sleep(100 * time.Millisecond) // the provider is slow
	}
	return g.next.RoundTrip(r)
}

// densest is the largest number of times within a minute.
func (g *gauge) densest() (most int) {
	for i, first := 0, 0; i < len(g.times); i++ {
		for g.times[i].Sub(g.times[first]) > time.Minute {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// A batch that an earlier process has bought is looked at once, and not given
// more time for that nobody looked: one that never ends is cancelled, and a
// person is asked, a grace later.
func TestABatchOfAnEarlierProcessIsLookedAtOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		latency     simulator.Latency
		least, most time.Duration
		settled     int
	}{
		"has ended":  {simulator.Latency{Processing: time.Hour}, 0, time.Second, 20},
		"never ends": {simulator.Latency{Cancelling: 1000 * time.Hour}, 10 * time.Minute, 15 * time.Minute, 0},
	} {
		stuck := edit(func(_ string, batch map[string]any) {
			if name == "never ends" && batch["created_at"].(float64) < float64(time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC).Unix()) {
				batch["status"], batch["output_file_id"] = "in_progress", nil
			}
		})
		durabletest.Bubble(t, simulator.Config{Latency: test.latency}, openai.Config{}, stuck, func(w *durabletest.World) {
			t := w.T
			w.Write("in.jsonl", durabletest.Tickets(20)...)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			if report, err := w.Run(ctx, w.Job()); report.Batches != 1 || !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("report %+v, %v", report, err)
			}
			time.Sleep(72 * time.Hour)
			start := time.Now()
			report, err := w.Run(t.Context(), w.Job())
			wantWithin(w, start, test.least, test.most)
			if _, asked := errors.AsType[*durable.UndecidedError](err); asked != (test.settled == 0) || err != nil && !asked {
				t.Errorf("%s: %v", name, err)
			}
			if report.Succeeded != test.settled || report.Batches != 1 || report.Retried != 0 {
				t.Errorf("%s: report %+v", name, report)
			}
		})
	}
}

func TestHundredsOfBatchesAreLookedAtInTurn(t *testing.T) {
	t.Parallel()
	batches := 200
	if testing.Short() {
		batches = 50
	}
	var g *gauge
	wrap := func(next http.RoundTripper) http.RoundTripper {
		g = &gauge{next: next}
		return g
	}
	cfg := simulator.Config{Latency: simulator.Latency{Processing: 20 * time.Minute}}
	durabletest.Bubble(t, cfg, openai.Config{}, wrap, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(batches)...)
		job := w.Job()
		job.Batch.MaxItems, job.MaxInFlight = 1, batches
		job.Creates = durable.Rate{Requests: 1_000_000, Per: time.Minute}
		job.Polls, job.PollsAtOnce = durable.Rate{Requests: 600}, 3
		start := time.Now()
		report := w.MustRun(job)
		wantWithin(w, start, 20*time.Minute, 30*time.Minute)
		if report.Succeeded != batches || report.Batches != batches {
			t.Errorf("report %+v", report)
		}
		// To fetch or clean up a batch it is read as well: the former two at a
		// time.
		if most := g.most.Load(); most < 3 {
			t.Errorf("%d looks at a time, want some", most)
		}
		if n := g.densest(); n > 600+2*batches {
			t.Errorf("%d looks in a minute, want at most 600", n)
		}
	})
}
