package durable_test

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

const removal = "DELETE /v1/files/{id}"

// left is a job of five batches of ten rows, left when the first batches were
// settled.
func left(w *durabletest.World) durable.Job[durabletest.Ticket] {
	w.T.Helper()
	w.Write("in.jsonl", durabletest.Tickets(50)...)
	job := w.Job()
	job.Batch.MaxItems, job.MaxInFlight = 10, 1
	w.Leave(job, 15)
	return job
}

// storedRemote counts the files at the provider by their purpose.
func storedRemote(w *durabletest.World) map[string]int {
	w.T.Helper()
	count := make(map[string]int)
	for _, f := range listRemote(w) {
		count[f.Purpose]++
	}
	return count
}

func wantStored(w *durabletest.World, inputs, results int) {
	w.T.Helper()
	got := storedRemote(w)
	if got["batch"] != inputs || got["batch_output"] != results {
		w.T.Errorf("%v at the provider, want %d inputs and %d results", got, inputs, results)
	}
}

func removeKept(w *durabletest.World) []durable.Removal {
	w.T.Helper()
	all, err := w.StateDir().RemoveKept(w.T.Context(), w.Provider)
	if err != nil {
		w.T.Fatal(err)
	}
	return all
}

// What was settled is at the provider until the run has ended, and what was
// uploaded for it is not.
func TestResultsLiveUntilTheRunHasEnded(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		job := left(w)
		s, err := w.Attach().Status()
		if err != nil || s.Remote.Results < 2 || s.Remote.Bytes == 0 {
			w.T.Errorf("status tells of %+v, %v", s.Remote, err)
		}
		settled := len(w.Results()) / 10
		if got := storedRemote(w); got["batch_output"] < settled || got["batch"] > 1 {
			w.T.Errorf("%v at the provider, and %d batches are settled", got, settled)
		}
		if report := w.MustRun(job); report.Succeeded != 50 || report.Remote != (durable.Remote{}) {
			w.T.Errorf("report %+v", report)
		}
		wantStored(w, 0, 0)
	})
}

// Whoever loses the state directory in the middle of a run pays for nothing
// twice.
func TestALostDirectoryCostsNothing(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		job := left(w)
		for _, name := range []string{"state", "out.jsonl"} {
			if err := os.RemoveAll(w.Path(name)); err != nil {
				w.T.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		if _, err := w.With(w.T.Context(), job, durable.Ingest[durabletest.Ticket]); err != nil {
			w.T.Fatal(err)
		}
		all, err := w.StateDir().Adopt(w.T.Context(), w.Provider, job.Name, time.Now().Add(-time.Hour))
		if err != nil {
			w.T.Fatal(err)
		}
		adopted := 0
		for _, a := range all {
			adopted += a.Adopted
		}
		if adopted < 20 {
			w.T.Errorf("%d rows adopted: %+v", adopted, all)
		}
		if report := w.MustRun(job); report.Succeeded != 50 {
			w.T.Errorf("report %+v", report)
		}
		w.WantBilledOnce(50)
		wantStored(w, 0, 0)
	})
}

// KeepRemote keeps results longer, and tells for how long.
func TestResultsThatAreKeptAfterTheEnd(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		job := left(w)
		job.KeepRemote = 2 * time.Minute
		if report := w.MustRun(job); report.Remote.Results != 5 || report.Remote.Inputs != 0 {
			w.T.Errorf("report %+v", report.Remote)
		}
		wantStored(w, 0, 5)
		time.Sleep(time.Minute)
		if all := removeKept(w); len(all) != 0 {
			w.T.Errorf("too early: %+v", all)
		}
		wantStored(w, 0, 5)
		time.Sleep(2 * time.Minute)
		if diff := cmp.Diff([]durable.Removal{{Name: "tickets", Removed: 5}}, removeKept(w)); diff != "" {
			w.T.Error(diff)
		}
		wantStored(w, 0, 0)
		if all := removeKept(w); len(all) != 0 {
			w.T.Errorf("once more: %+v", all)
		}
		if s, err := w.Attach().Status(); err != nil || s.State != durable.StateCompleted || s.Remote != (durable.Remote{}) {
			w.T.Errorf("status %+v, %v", s, err)
		}
	})
}

func TestResultsThatAreKeptForever(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(50)...)
		job := w.Job()
		job.Batch.MaxItems, job.KeepRemote = 10, durable.KeepForever
		w.MustRun(job)
		wantStored(w, 5, 5)
		if all := removeKept(w); len(all) != 0 {
			w.T.Errorf("%+v", all)
		}
		job.KeepRemote = 0 // another time
		w.MustRun(job)
		wantStored(w, 0, 0)
	})
}

// What cannot be removed is told, costs the run nothing, and is removed later.
func TestARemovalThatFailsIsDoneLater(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]func(*durabletest.World, durable.Job[durabletest.Ticket]){
		"by the next run": func(w *durabletest.World, job durable.Job[durabletest.Ticket]) { w.MustRun(job) },
		"by the doctor": func(w *durabletest.World, _ durable.Job[durabletest.Ticket]) {
			if all := removeKept(w); len(all) != 1 || all[0].Removed != 5 || all[0].Reason != "" {
				w.T.Errorf("%+v", all)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
				job := left(w)
				w.SetFaults(simulator.Fault{Route: removal, Times: -1, Action: simulator.ActionFail, Status: http.StatusServiceUnavailable})
				var told []durable.Notice
				job.Notify = func(n durable.Notice) { told = append(told, n) }
				if report := w.MustRun(job); report.Succeeded != 50 {
					w.T.Errorf("report %+v", report)
				}
				if n := len(told); n == 0 || told[n-1].Kind != durable.NoticeStorage || told[n-1].Advice == "" {
					w.T.Errorf("told %+v", told)
				}
				if all := removeKept(w); len(all) != 1 || all[0].Removed != 0 || all[0].Remote.Results != 5 || all[0].Reason == "" {
					w.T.Errorf("%+v", all)
				}
				w.SetFaults()
				later(w, job)
				wantStored(w, 0, 0)
			})
		})
	}
}

// A process may die between the settlement of the last row and the end of its
// batch: the next one brings the batch to its end.
func TestWhatACrashHasLeftOfASettledRun(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(50)...)
		w.SetFaults(simulator.Fault{Route: removal, Times: -1, Action: simulator.ActionHang})
		job := w.Job()
		w.LeaveWhen(job, func(p durable.Progress) bool {
			time.Sleep(time.Second)
			return p.Succeeded == 50
		})
		wantStored(w, 1, 1)
		w.SetFaults(simulator.Fault{Route: "GET /v1/batches", Times: -1, Action: simulator.ActionFail, Status: 403})
		if report := w.MustRun(job); report.Succeeded != 50 { // whose provider cannot be used
			w.T.Errorf("report %+v", report)
		}
		if all := removeKept(w); len(all) != 1 || all[0].Reason == "" {
			w.T.Errorf("%+v", all)
		}
		w.SetFaults()
		if report := w.MustRun(job); report.Succeeded != 50 || report.InFlight != 0 {
			w.T.Errorf("report %+v", report)
		}
		wantStored(w, 0, 0)
	})
}

// endless yields an item every second.
type endless struct {
	ctx context.Context
	n   int
}

func (s *endless) Items() iter.Seq2[durabletest.Ticket, error] {
	return func(yield func(durabletest.Ticket, error) bool) {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-s.ctx.Done():
				yield(durabletest.Ticket{}, context.Cause(s.ctx))
				return
			}
			if s.n++; !yield(durabletest.Ticket{ID: strconv.Itoa(s.n), Text: strconv.Itoa(s.n)}, nil) {
				return
			}
		}
	}
}

func (s *endless) Position() (string, int) { return "endless", s.n }
func (s *endless) Checkpoint() string      { return "" }
func (s *endless) Resume(string) error     { return nil }

// A run whose source does not end removes results some time after delivery.
func TestAnEndlessRunRemovesWhatItDeliveredLongAgo(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		ctx, cancel := context.WithCancel(w.T.Context())
		defer cancel()
		job := w.Job()
		job.Source = &endless{ctx: ctx}
		job.Batch.MaxItems, job.KeepRemote = 10, 40*time.Second
		done := make(chan error)
		go func() {
			_, err := w.Run(ctx, job)
			done <- err
		}()
		for range 6 {
			time.Sleep(20 * time.Second)
			if n := storedRemote(w)["batch_output"]; n > 8 { // those of a minute, and what is open
				w.T.Errorf("results of %d batches are at the provider", n)
			}
		}
		if n, kept := len(w.Server.Batches()), storedRemote(w)["batch_output"]; n < 10 || kept == 0 {
			w.T.Errorf("%d batches, results of %d are at the provider", n, kept)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			w.T.Error(err)
		}
	})
}

// A job that was continued with other settings is opened with those.
func TestRemoveKeptAfterTheSettingsChanged(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(4)...)
	w.MustRun(nightly(w))
	w.Write("in.jsonl", durabletest.Tickets(8)...)
	changed := nightly(w)
	changed.Settings = map[string]string{"night": "2"}
	w.MustRun(changed)
	removeKept(w)
}
