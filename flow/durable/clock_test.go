package durable_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

const threeDays = 72 * time.Hour

// clocks are what a clock may be set by between two processes.
var clocks = map[string]time.Duration{"set forward": threeDays, "set back": -threeDays, "as it was": 0}

// setClock does to the kept times of a job what setting the clock does.
func setClock(w *durabletest.World, by time.Duration) {
	w.T.Helper()
	out, err := durable.Lines(w.Path("out.jsonl"))
	if err != nil {
		w.T.Fatal(err)
	}
	defer out.Close()
	job := w.Job()
	job.Dir, job.Output = w.StateDir(), out
	if err := durable.Shift(w.T.Context(), job, -by); err != nil {
		w.T.Fatal(err)
	}
}

// runFor runs the job for so long, as one that is killed then.
func runFor(w *durabletest.World, d time.Duration) {
	w.T.Helper()
	ctx, cancel := context.WithTimeout(w.T.Context(), d)
	defer cancel()
	if _, err := w.Run(ctx, w.Job()); !errors.Is(err, context.DeadlineExceeded) {
		w.T.Fatal(err)
	}
}

// A creation was not answered, and the next process has another clock. The
// batch appears in the list late, or never, or is there: it is bought once, and
// nobody waits for days.
func TestTheClockIsSetWhileACreationIsInDoubt(t *testing.T) {
	t.Parallel()
	for name, by := range clocks {
		for what, fault := range map[string]simulator.Fault{
			"it is there":    {Action: simulator.ActionResetAfter},
			"it comes late":  {Action: simulator.ActionLate, Delay: 5 * time.Minute},
			"it never comes": {Action: simulator.ActionReset},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				fault.Route = creation
				cfg := simulator.Config{Faults: []simulator.Fault{fault}, Latency: simulator.Latency{Processing: 20 * time.Minute}}
				durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
					w.Write("in.jsonl", durabletest.Tickets(5)...)
					runFor(w, time.Second)
					setClock(w, by)
					start := time.Now()
					if report := w.MustRun(w.Job()); report.Succeeded != 5 || report.Surplus != 0 {
						w.T.Errorf("report %+v", report)
					}
					wantWithin(w, start, 15*time.Minute, time.Hour)
					wantTagsOnce(w, 1)
					w.WantBilledOnce(5)
				})
			})
		}
	}
}

// A batch runs, and the next process has another clock: it is neither cancelled
// nor left to itself.
func TestTheClockIsSetWhileABatchRuns(t *testing.T) {
	t.Parallel()
	for name, by := range clocks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := simulator.Config{Latency: simulator.Latency{Processing: 3 * time.Hour}}
			durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
				w.Write("in.jsonl", durabletest.Tickets(5)...)
				runFor(w, time.Minute)
				setClock(w, by)
				start := time.Now()
				if report := w.MustRun(w.Job()); report.Succeeded != 5 || report.Batches != 1 || report.Retried != 0 {
					w.T.Errorf("report %+v", report)
				}
				wantWithin(w, start, 2*time.Hour, 4*time.Hour)
				w.WantBilledOnce(5)
			})
		})
	}
}

// behind shows a provider whose clock is behind that of our machine.
type behind struct {
	next http.RoundTripper

	mu sync.Mutex
	by time.Duration
}

func (b *behind) RoundTrip(r *http.Request) (*http.Response, error) {
	reply, err := b.next.RoundTrip(r)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		reply.Header.Set("Date", time.Now().Add(-b.by).UTC().Format(http.TimeFormat))
	}
	return reply, err
}

func (b *behind) set(by time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.by = by
}

// A clock that is set forward ends no time limit, as the provider's has not
// come so far; one that is set back prolongs none.
func TestTheClockIsSetWhileATimeLimitRuns(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ahead     time.Duration // of our clock
		kept      time.Duration // by which what is kept is ahead
		cancelled bool
	}{
		"set forward": {threeDays, 0, false},
		"set back":    {0, -threeDays, true},
		"time passes": {0, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b *behind
			wrap := func(next http.RoundTripper) http.RoundTripper { b = &behind{next: next}; return b }
			cfg := simulator.Config{Latency: simulator.Latency{Processing: 2 * time.Hour}}
			durabletest.Bubble(t, cfg, openai.Config{}, wrap, func(w *durabletest.World) {
				w.Write("in.jsonl", durabletest.Tickets(5)...)
				if _, err := w.With(w.T.Context(), w.Job(), durable.Ingest[durabletest.Ticket]); err != nil {
					w.T.Fatal(err)
				}
				setClock(w, tc.kept)
				time.Sleep(tc.ahead)
				b.set(tc.ahead)
				job := w.Job()
				if job.TimeLimit = 12 * time.Hour; tc.cancelled {
					job.TimeLimit = time.Hour
				}
				report, err := w.Run(w.T.Context(), job)
				var cancelled *durable.CancelledError
				if errors.As(err, &cancelled) != tc.cancelled || (report.Succeeded == 5) == tc.cancelled {
					w.T.Errorf("report %+v, %v", report, err)
				}
			})
		})
	}
}

// A machine whose clock is days ahead when it buys, and is right in the next
// process: what is kept is of the provider's time all along.
func TestTheClockIsWrongWhenABatchIsBought(t *testing.T) {
	t.Parallel()
	var b *behind
	wrap := func(next http.RoundTripper) http.RoundTripper { b = &behind{next: next}; return b }
	cfg := simulator.Config{Faults: []simulator.Fault{fault(creation, simulator.ActionResetAfter)}}
	durabletest.Bubble(t, cfg, openai.Config{}, wrap, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(5)...)
		b.set(threeDays)
		runFor(w, time.Second)
		b.set(0)
		start := time.Now()
		if report := w.MustRun(w.Job()); report.Succeeded != 5 {
			w.T.Errorf("report %+v", report)
		}
		wantWithin(w, start, 0, time.Hour)
		wantTagsOnce(w, 1)
	})
}

// What was answered an hour ago is not bought again because the clock was set
// forward.
func TestTheClockIsSetBetweenTwoJobs(t *testing.T) {
	t.Parallel()
	var b *behind
	wrap := func(next http.RoundTripper) http.RoundTripper { b = &behind{next: next}; return b }
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, wrap, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(5)...)
		job := w.Job()
		job.Cache = 24 * time.Hour
		w.MustRun(job)
		time.Sleep(threeDays)
		b.set(threeDays)
		job = w.Job()
		job.Name, job.Cache = "again", 24*time.Hour
		report, err := w.With(w.T.Context(), job, func(ctx context.Context, job durable.Job[durabletest.Ticket]) (durable.Report, error) {
			job.Output = durable.Each(func(context.Context, durable.Result) error { return nil })
			return durable.Run(ctx, job)
		})
		if err != nil || report.FromCache != 5 || report.Batches != 0 {
			w.T.Errorf("report %+v, %v", report, err)
		}
	})
}

// rewrite changes the list of batches that the client reads, or answers for it.
func rewrite(change func(list map[string]any)) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return durabletest.RoundTripper(func(r *http.Request) (*http.Response, error) {
			reply, err := next.RoundTrip(r)
			if err != nil || r.URL.Path != "/v1/batches" || r.Method != http.MethodGet || r.URL.Query().Get("limit") == "1" {
				return reply, err
			}
			defer reply.Body.Close()
			var list map[string]any
			if err := json.NewDecoder(reply.Body).Decode(&list); err != nil {
				return nil, err
			}
			change(list)
			body, err := json.Marshal(list)
			reply.Body, reply.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			return reply, err
		})
	}
}

// The list lacks the batch for as long as it may, and once more: then it is
// there, and must not have been bought again.
func TestAListThatLacksABatchOnceBuysNothing(t *testing.T) {
	t.Parallel()
	var start time.Time
	over := 0
	gaps := rewrite(func(list map[string]any) {
		if since := time.Since(start); since < graceOver || over == 0 {
			if list["data"] = []any{}; since >= graceOver {
				over++
			}
		}
	})
	cfg := simulator.Config{
		Faults: []simulator.Fault{fault(creation, simulator.ActionResetAfter)}, Latency: simulator.Latency{Processing: time.Hour},
	}
	durabletest.Bubble(t, cfg, openai.Config{}, gaps, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(5)...)
		start = time.Now()
		if report := w.MustRun(w.Job()); report.Succeeded != 5 || over != 1 {
			w.T.Errorf("report %+v, %d looks in vain after the grace", report, over)
		}
		wantTagsOnce(w, 1)
	})
}

// A list that goes round in a circle shows nothing. That is told, all else goes
// on, and when the list is whole again the batch is found.
func TestAListThatGoesRoundHoldsTheBatchInDoubtAlone(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ round, done time.Duration }{{2 * time.Hour, 3 * time.Hour}, {7 * time.Minute, 9 * time.Minute}} {
		t.Run(tc.round.String(), func(t *testing.T) {
			t.Parallel()
			var start time.Time
			circle := rewrite(func(list map[string]any) {
				if time.Since(start) < tc.round {
					list["data"] = []any{map[string]any{"id": "batch_of_others"}, map[string]any{"id": "batch_again"}}
					list["has_more"] = true
				}
			})
			cfg := simulator.Config{Faults: []simulator.Fault{fault(creation, simulator.ActionResetAfter)}}
			durabletest.Bubble(t, cfg, openai.Config{}, circle, func(w *durabletest.World) {
				w.Write("in.jsonl", durabletest.Tickets(20)...)
				job := w.Job()
				job.Batch.MaxItems = 10
				var mu sync.Mutex
				var told []durable.Notice
				job.Notify = func(n durable.Notice) {
					mu.Lock()
					defer mu.Unlock()
					told = append(told, n)
				}
				start = time.Now()
				report := w.MustRun(job)
				wantWithin(w, start, tc.round, tc.done)
				if report.Succeeded != 20 || report.Batches != 2 || report.Surplus != 0 {
					w.T.Errorf("report %+v", report)
				}
				wantTagsOnce(w, 2)
				unclear := 0
				for _, n := range told {
					if n.Kind == durable.NoticeUnclear && strings.Contains(n.Text, "cannot be listed") {
						unclear++
					}
				}
				if unclear == 0 {
					w.T.Errorf("nothing was told of it: %+v", told)
				}
			})
		})
	}
}

// A server that loses metadata shows the name of the file, and one that lists
// no files says it of each.
func TestABatchWithoutMetadataIsFoundByItsFile(t *testing.T) {
	t.Parallel()
	for name, noList := range map[string]bool{"by the list of files": false, "file by file": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forget := rewrite(func(list map[string]any) {
				for _, b := range list["data"].([]any) {
					b.(map[string]any)["metadata"] = nil
				}
			})
			wrap := func(next http.RoundTripper) http.RoundTripper {
				next = forget(next)
				return durabletest.RoundTripper(func(r *http.Request) (*http.Response, error) {
					if noList && r.Method == http.MethodGet && r.URL.Path == "/v1/files" {
						return answerWith(r, http.StatusNotFound, `{}`), nil
					}
					return next.RoundTrip(r)
				})
			}
			cfg := simulator.Config{
				Faults: []simulator.Fault{fault(creation, simulator.ActionResetAfter)}, Latency: simulator.Latency{Processing: time.Hour},
			}
			durabletest.Bubble(t, cfg, openai.Config{}, wrap, func(w *durabletest.World) {
				w.Write("in.jsonl", durabletest.Tickets(5)...)
				runFor(w, time.Second) // and its names are forgotten
				start := time.Now()
				client, err := openai.New("sk-test", openai.Config{BaseURL: "http://127.0.0.1/v1", Transport: wrap(w.Server.Client().Transport)})
				if err != nil {
					w.T.Fatal(err)
				}
				w.Provider = client
				if report := w.MustRun(w.Job()); report.Succeeded != 5 || report.Batches != 1 {
					w.T.Errorf("report %+v", report)
				}
				wantWithin(w, start, 30*time.Minute, 70*time.Minute)
				wantTagsOnce(w, 1)
			})
		})
	}
}

// An orphan that has lost its metadata is known by its file, and, if that is
// gone too, by its rows.
func TestOrphansWithoutMetadata(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]bool{"by the file": false, "by the rows": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forget := rewrite(func(list map[string]any) {
				for _, b := range list["data"].([]any) {
					b.(map[string]any)["metadata"] = nil
				}
			})
			durabletest.Bubble(t, simulator.Config{}, openai.Config{}, forget, func(w *durabletest.World) {
				w.Write("in.jsonl", durabletest.Tickets(5)...)
				job := w.Job()
				if job.KeepRemote = durable.KeepForever; gone {
					job.KeepRemote = 24 * time.Hour
				}
				w.MustRun(job)
				client, err := openai.New("sk-test", openai.Config{BaseURL: "http://127.0.0.1/v1", Transport: forget(w.Server.Client().Transport)})
				if err != nil {
					w.T.Fatal(err)
				}
				found, err := w.OpenDir("another").Orphans(w.T.Context(), client, time.Now().Add(-time.Hour))
				if err != nil || len(found) != 1 || len(found[0].Tag) != 16 {
					w.T.Errorf("found %+v, %v", found, err)
				}
			})
		})
	}
}

// A clock that was set forward removes nothing at the provider that is young
// there: neither results that are kept for a day nor an upload that is about to
// be used.
func TestTheClockIsSetBeforeASweep(t *testing.T) {
	t.Parallel()
	var b *behind
	wrap := func(next http.RoundTripper) http.RoundTripper { b = &behind{next: next}; return b }
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, wrap, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(5)...)
		job := w.Job()
		job.KeepRemote = 24 * time.Hour
		w.MustRun(job)
		none := func(func(sink.Row, error) bool) {}
		if _, err := w.Provider.Upload(w.T.Context(), sink.Spec{Tag: ofAnother, Endpoint: "/v1/chat/completions"}, none); err != nil {
			w.T.Fatal(err)
		}
		time.Sleep(threeDays)
		for by, want := range map[time.Duration]int{threeDays: 0, 0: 1} {
			b.set(by)
			if got := sweepable(w, b); got != want {
				w.T.Errorf("the clock is ahead by %s: %d uploads", by, got)
			}
		}
		b.set(threeDays)
		if got := sweepKept(w, b); got != 0 {
			w.T.Errorf("the results of %d batches were removed", got)
		}
		b.set(0)
		if got := sweepKept(w, b); got != 1 {
			w.T.Errorf("the results of %d batches were removed", got)
		}
	})
}

// newcomer is a client that has heard nothing yet.
func newcomer(w *durabletest.World, transport http.RoundTripper) *openai.Client {
	w.T.Helper()
	c, err := openai.New("sk-test", openai.Config{BaseURL: "http://127.0.0.1/v1", Transport: transport})
	if err != nil {
		w.T.Fatal(err)
	}
	return c
}

// sweepable counts the uploads without a batch that are an hour old.
func sweepable(w *durabletest.World, transport http.RoundTripper) int {
	w.T.Helper()
	found, err := w.StateDir().OrphanFiles(w.T.Context(), newcomer(w, transport), time.Hour)
	if err != nil {
		w.T.Fatal(err)
	}
	return len(found)
}

// sweepKept removes what is due, and counts the batches.
func sweepKept(w *durabletest.World, transport http.RoundTripper) (removed int) {
	w.T.Helper()
	all, err := w.StateDir().RemoveKept(w.T.Context(), newcomer(w, transport))
	if err != nil {
		w.T.Fatal(err)
	}
	for _, r := range all {
		removed += r.Removed
	}
	return removed
}
