package durable_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/live"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// due says how long after the start of the world the tickets of a kind are due.
var due = map[string]time.Duration{"soon": 20 * time.Minute, "later": 30 * time.Minute, "stuck": 40 * time.Minute}

// urgent returns a job with a route of batches and a live one for items that
// are near their deadline.
func urgent(w *durabletest.World, p *live.Provider) durable.Job[durabletest.Ticket] {
	job := besides(w, p)
	job.Choose, job.Routes[1].Within, job.Batch.MaxWait = nil, 5*time.Minute, time.Minute
	job.Deadline = func(tk durabletest.Ticket) time.Time {
		if d, ok := due[kindOf(tk)]; ok {
			return w.Log.Start.Add(d)
		}
		return time.Time{}
	}
	return job
}

// busy refuses to cancel batches for some time.
type busy struct {
	http.RoundTripper
	from, until time.Time
}

func (b busy) RoundTrip(r *http.Request) (*http.Response, error) {
	if now := time.Now(); strings.HasSuffix(r.URL.Path, "/cancel") && now.After(b.from) && now.Before(b.until) {
		return &http.Response{StatusCode: http.StatusServiceUnavailable, Header: make(http.Header), Body: http.NoBody, Request: r}, nil
	}
	return b.RoundTripper.RoundTrip(r)
}

// settledAt collects when each item got its result.
type settledAt struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (s *settledAt) output() durable.Output {
	return durable.Each(func(_ context.Context, r durable.Result) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, again := s.at[r.ID]; r.Error != nil || again {
			return fmt.Errorf("%s: %w, again: %t", r.ID, r.Error, again)
		}
		s.at[r.ID] = time.Now()
		return nil
	})
}

// Batches hang for an hour. Those with items that are due earlier are
// cancelled in time. What they have answered by then counts, and the other
// items are asked live, before their deadline. The provider does not cancel
// a batch of stuck ones before it has passed: these are named. Items
// without a deadline stay. No item is paid for twice, however often the run is
// stopped.
func TestItemsNearTheirDeadlineLeaveHangingBatches(t *testing.T) {
	t.Parallel()
	for name, stops := range map[string][]time.Duration{
		"one process": nil,
		"stopped":     {time.Minute, 15*time.Minute + 10*time.Second, 16*time.Minute + 30*time.Second, 25*time.Minute + time.Second, 36 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			slow := simulator.Latency{Processing: time.Hour, Cancelling: time.Minute}
			durabletest.Bubble(t, simulator.Config{Latency: slow}, openai.Config{}, nil, func(w *durabletest.World) {
				w.Interpose(func(rt http.RoundTripper) http.RoundTripper {
					return busy{rt, w.Log.Start.Add(32 * time.Minute), w.Log.Start.Add(42 * time.Minute)}
				})
				w.Write("in.jsonl", ticketsOf(20, "none", "stuck", "later", "soon")...)
				got := &settledAt{at: make(map[string]time.Time)}
				run := func(until time.Duration) (durable.Report, []durable.Notice, error) {
					p := openLive(w, "sk-test", live.Config{})
					defer closeLive(w, p)
					job := urgent(w, p)
					var notices []durable.Notice
					job.Dir, job.Output, job.Notify = w.StateDir(), got.output(), func(n durable.Notice) { notices = append(notices, n) }
					ctx, cancel := context.WithDeadline(w.T.Context(), w.Log.Start.Add(until))
					defer cancel()
					report, err := durable.Run(ctx, job)
					return report, notices, err
				}
				for _, stop := range stops {
					if _, _, err := run(stop); !errors.Is(err, context.DeadlineExceeded) {
						w.T.Fatal(err)
					}
				}
				report, notices, err := run(24 * time.Hour)
				if err != nil || !report.Finished || report.Succeeded != 80 {
					w.T.Fatalf("%+v, %v", report, err)
				}
				late := make(map[string]int)
				for id, at := range got.at {
					if d, ok := due[kindOf(durabletest.Ticket{ID: id})]; ok && at.After(w.Log.Start.Add(d)) {
						late[kindOf(durabletest.Ticket{ID: id})]++
					}
				}
				if kinds := slices.Collect(maps.Keys(late)); !slices.Equal(kinds, []string{"stuck"}) || report.Late != late["stuck"] {
					w.T.Errorf("late: %v, and the report says %d", late, report.Late)
				}
				if n := namedLate(w.T, notices); n < report.Late { // more if a batch was taken back, and its rows went into another
					w.T.Errorf("%d rows are named, and %d were late: %+v", n, report.Late, notices)
				}
				if billed := billedByKind(w); billed["live"] == 0 || billed["live"] >= 60 {
					w.T.Errorf("%v", billed) // of each batch, some were answered
				}
				w.WantBilledOnce(80)
			})
		})
	}
}

// Items that wait come before their deadline, too, whatever they wait for.
func TestItemsNearTheirDeadlineWaitForNoBatch(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines  []string
		soon   int
		adjust func(*durable.Job[durabletest.Ticket])
	}{
		"for a slot": {ticketsOf(20, "soon"), 20, func(job *durable.Job[durabletest.Ticket]) { job.MaxInFlight = 1 }},
		"for room":   {ticketsOf(20, "soon"), 20, func(job *durable.Job[durabletest.Ticket]) { job.Routes[0].Enqueued.Batches = 1 }},
		"for a creation": {ticketsOf(20, "soon"), 20, func(job *durable.Job[durabletest.Ticket]) {
			job.Creates = durable.Rate{Requests: 1, Per: time.Hour}
		}},
		"late, behind rows that wait for a slot": {ticketsOf(2000, "none"), 5, func(job *durable.Job[durabletest.Ticket]) {
			job.MaxInFlight, job.Source = 1, &latecomers{Source: job.Source, after: 12 * time.Minute, kind: "soon", n: 5}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			durabletest.Bubble(t, simulator.Config{Latency: simulator.Latency{Processing: time.Hour}}, openai.Config{}, nil, func(w *durabletest.World) {
				w.Write("in.jsonl", test.lines...)
				p := openLive(w, "sk-test", live.Config{})
				defer closeLive(w, p)
				job, got := urgent(w, p), &settledAt{at: make(map[string]time.Time)}
				job.Dir, job.Output, job.Batch.MaxItems = w.StateDir(), got.output(), 10
				test.adjust(&job)
				ctx, cancel := context.WithDeadline(w.T.Context(), w.Log.Start.Add(due["soon"]))
				defer cancel()
				report, err := durable.Run(ctx, job)
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					w.T.Fatalf("%+v, %v", report, err)
				}
				for _, line := range ticketsOf(test.soon, "soon") {
					id := strings.Split(line, `"`)[3]
					if _, ok := got.at[id]; !ok {
						w.T.Errorf("%s has no answer in time", id)
					}
				}
				bills, err := simulator.Tally(w.Server.Executions(), simulator.AfterTag)
				if err != nil {
					w.T.Fatal(err)
				}
				for id, b := range bills {
					if b.Billed > 1 {
						w.T.Errorf("%s was paid for %d times", id, b.Billed)
					}
				}
			})
		})
	}
}

// latecomers yields some tickets of a kind, long after those of a source.
type latecomers struct {
	durable.Source[durabletest.Ticket]
	after time.Duration
	kind  string
	n, at int
}

func (l *latecomers) Items() iter.Seq2[durabletest.Ticket, error] {
	return func(yield func(durabletest.Ticket, error) bool) {
		for tk, err := range l.Source.Items() {
			if !yield(tk, err) {
				return
			}
		}
		time.Sleep(l.after)
		for l.at < l.n {
			id := fmt.Sprintf("%s-%d", l.kind, l.at)
			l.at++
			if !yield(durabletest.Ticket{ID: id, Text: id}, nil) {
				return
			}
		}
	}
}

func (l *latecomers) Position() (string, int) {
	if l.at > 0 {
		return "latecomers", l.at
	}
	return l.Source.Position()
}

// A margin that cannot be kept is refused, and so is one that means nothing.
func TestAMarginThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	p := openLive(w, "sk-test", live.Config{})
	defer closeLive(w, p)
	for want, adjust := range map[string]func(*durable.Job[durabletest.Ticket]){
		"at least 2m0s": func(job *durable.Job[durabletest.Ticket]) { job.Routes[1].Within = 2*time.Minute - 1 },
		"is missing":    func(job *durable.Job[durabletest.Ticket]) { job.Deadline = nil },
		"Least":         func(job *durable.Job[durabletest.Ticket]) { job.Routes[1].Least = 2 },
		"leave one":     func(job *durable.Job[durabletest.Ticket]) { job.Routes[0].Within = time.Hour },
	} {
		job := urgent(w, p)
		job.Grace, job.Dir = time.Minute, w.StateDir()
		adjust(&job)
		if _, err := durable.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// namedLate is how many rows notices have named in the end, each as one of its
// batch.
func namedLate(tb testing.TB, notices []durable.Notice) (all int) {
	tb.Helper()
	byTag := make(map[string]int)
	for _, n := range notices {
		if n.Kind != durable.NoticeLate {
			continue
		}
		var late, rows int
		if _, err := fmt.Sscanf(n.Text, "%d of its %d rows have passed their deadline", &late, &rows); err != nil || late > rows || !strings.Contains(n.Text, `"stuck-`) {
			tb.Errorf("%q: %v", n.Text, err)
		}
		byTag[n.Tag] = late
	}
	for _, late := range byTag {
		all += late
	}
	return all
}
