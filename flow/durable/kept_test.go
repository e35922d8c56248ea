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
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

const removal = "DELETE /v1/files/{id}"

// left is a job of five batches of ten rows, left when the first batches were
// settled.
func left(w *airtight) durable.Job[ticket] {
	w.t.Helper()
	w.write("in.jsonl", tickets(50)...)
	job := w.job()
	job.Batch.MaxItems, job.MaxInFlight = 10, 1
	w.leave(job, 15)
	return job
}

// stored counts the files at the provider by their purpose.
func (w *airtight) stored() map[string]int {
	w.t.Helper()
	count := make(map[string]int)
	for _, f := range w.list() {
		count[f.Purpose]++
	}
	return count
}

func (w *airtight) wantStored(inputs, results int) {
	w.t.Helper()
	got := w.stored()
	if got["batch"] != inputs || got["batch_output"] != results {
		w.t.Errorf("%v at the provider, want %d inputs and %d results", got, inputs, results)
	}
}

func (w *airtight) removeKept() []durable.Removal {
	w.t.Helper()
	store, err := state.Open(w.path("state"), state.Config{Log: quiet})
	if err != nil {
		w.t.Fatal(err)
	}
	defer store.Close()
	all, err := durable.RemoveKept(w.t.Context(), w.provider, store)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// What was settled is at the provider until the run has ended, and what was
// uploaded for it is not.
func TestResultsLiveUntilTheRunHasEnded(t *testing.T) {
	bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *airtight) {
		job := left(w)
		s, err := w.attach().Status()
		if err != nil || s.Remote.Results < 2 || s.Remote.Bytes == 0 {
			w.t.Errorf("status tells of %+v, %v", s.Remote, err)
		}
		settled := len(w.results()) / 10
		if got := w.stored(); got["batch_output"] < settled || got["batch"] > 1 {
			w.t.Errorf("%v at the provider, and %d batches are settled", got, settled)
		}
		if report := w.mustRun(job); report.Succeeded != 50 || report.Remote != (durable.Remote{}) {
			w.t.Errorf("report %+v", report)
		}
		w.wantStored(0, 0)
	})
}

// Whoever loses the state directory in the middle of a run pays for nothing twice.
func TestALostDirectoryCostsNothing(t *testing.T) {
	bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *airtight) {
		job := left(w)
		for _, name := range []string{"state", "out.jsonl"} {
			if err := os.RemoveAll(w.path(name)); err != nil {
				w.t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		if _, err := w.with(w.t.Context(), job, durable.Ingest[ticket]); err != nil {
			w.t.Fatal(err)
		}
		store, err := state.Open(w.path("state"), state.Config{Log: quiet})
		if err != nil {
			w.t.Fatal(err)
		}
		all, err := durable.Adopt(w.t.Context(), w.provider, store, job.Name, time.Now().Add(-time.Hour))
		if err := errors.Join(err, store.Close()); err != nil {
			w.t.Fatal(err)
		}
		adopted := 0
		for _, a := range all {
			adopted += a.Adopted
		}
		if adopted < 20 {
			w.t.Errorf("%d rows adopted: %+v", adopted, all)
		}
		if report := w.mustRun(job); report.Succeeded != 50 {
			w.t.Errorf("report %+v", report)
		}
		w.wantBilledOnce(50)
		w.wantStored(0, 0)
	})
}

// KeepRemote keeps results longer, and tells for how long.
func TestResultsThatAreKeptAfterTheEnd(t *testing.T) {
	bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *airtight) {
		job := left(w)
		job.KeepRemote = 2 * time.Minute
		if report := w.mustRun(job); report.Remote.Results != 5 || report.Remote.Inputs != 0 {
			w.t.Errorf("report %+v", report.Remote)
		}
		w.wantStored(0, 5)
		time.Sleep(time.Minute)
		if all := w.removeKept(); len(all) != 0 {
			w.t.Errorf("too early: %+v", all)
		}
		w.wantStored(0, 5)
		time.Sleep(2 * time.Minute)
		if diff := cmp.Diff([]durable.Removal{{Name: "tickets", Removed: 5}}, w.removeKept()); diff != "" {
			w.t.Error(diff)
		}
		w.wantStored(0, 0)
		if all := w.removeKept(); len(all) != 0 {
			w.t.Errorf("once more: %+v", all)
		}
		if s, err := w.attach().Status(); err != nil || s.State != durable.Completed || s.Remote != (durable.Remote{}) {
			w.t.Errorf("status %+v, %v", s, err)
		}
	})
}

func TestResultsThatAreKeptForever(t *testing.T) {
	bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *airtight) {
		w.write("in.jsonl", tickets(50)...)
		job := w.job()
		job.Batch.MaxItems, job.KeepRemote = 10, durable.KeepForever
		w.mustRun(job)
		w.wantStored(5, 5)
		if all := w.removeKept(); len(all) != 0 {
			w.t.Errorf("%+v", all)
		}
		job.KeepRemote = 0 // another time
		w.mustRun(job)
		w.wantStored(0, 0)
	})
}

// What cannot be removed is told, costs the run nothing, and is removed later.
func TestARemovalThatFailsIsDoneLater(t *testing.T) {
	for name, later := range map[string]func(*airtight, durable.Job[ticket]){
		"by the next run": func(w *airtight, job durable.Job[ticket]) { w.mustRun(job) },
		"by the doctor": func(w *airtight, _ durable.Job[ticket]) {
			if all := w.removeKept(); len(all) != 1 || all[0].Removed != 5 || all[0].Reason != "" {
				w.t.Errorf("%+v", all)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *airtight) {
				job := left(w)
				w.setFaults(simulator.Fault{Route: removal, Times: -1, Action: simulator.Fail, Status: http.StatusServiceUnavailable})
				var told []durable.Notice
				job.Notify = func(n durable.Notice) { told = append(told, n) }
				if report := w.mustRun(job); report.Succeeded != 50 {
					w.t.Errorf("report %+v", report)
				}
				if n := len(told); n == 0 || told[n-1].Kind != durable.NoticeStorage || told[n-1].Advice == "" {
					w.t.Errorf("told %+v", told)
				}
				if all := w.removeKept(); len(all) != 1 || all[0].Removed != 0 || all[0].Remote.Results != 5 || all[0].Reason == "" {
					w.t.Errorf("%+v", all)
				}
				w.setFaults()
				later(w, job)
				w.wantStored(0, 0)
			})
		})
	}
}

// A process may die between the settlement of the last row and the end of its
// batch: the next one brings the batch to its end.
func TestWhatACrashHasLeftOfASettledRun(t *testing.T) {
	bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *airtight) {
		w.write("in.jsonl", tickets(50)...)
		w.setFaults(simulator.Fault{Route: removal, Times: -1, Action: simulator.Hang})
		enough := errors.New("enough")
		ctx, cancel := context.WithCancelCause(w.t.Context())
		defer cancel(nil)
		job := w.job()
		job.Progress = func(p durable.Progress) {
			if p.Succeeded == 50 {
				time.AfterFunc(time.Second, func() { cancel(enough) })
			}
		}
		if _, err := w.run(ctx, job); !errors.Is(err, enough) {
			w.t.Fatalf("error %v", err)
		}
		w.wantStored(1, 1)
		job.Progress = nil
		w.setFaults(simulator.Fault{Route: "GET /v1/batches", Times: -1, Action: simulator.Fail, Status: 403})
		if report := w.mustRun(job); report.Succeeded != 50 { // whose provider cannot be used
			w.t.Errorf("report %+v", report)
		}
		if all := w.removeKept(); len(all) != 1 || all[0].Reason == "" {
			w.t.Errorf("%+v", all)
		}
		w.setFaults()
		if report := w.mustRun(job); report.Succeeded != 50 || report.InFlight != 0 {
			w.t.Errorf("report %+v", report)
		}
		w.wantStored(0, 0)
	})
}

// endless yields an item every second.
type endless struct {
	ctx context.Context
	n   int
}

func (s *endless) Items() iter.Seq2[ticket, error] {
	return func(yield func(ticket, error) bool) {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-s.ctx.Done():
				yield(ticket{}, context.Cause(s.ctx))
				return
			}
			if s.n++; !yield(ticket{ID: strconv.Itoa(s.n), Text: "x"}, nil) {
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
	bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *airtight) {
		ctx, cancel := context.WithCancel(w.t.Context())
		defer cancel()
		job := w.job()
		job.Source = &endless{ctx: ctx}
		job.Batch.MaxItems, job.KeepRemote = 10, 40*time.Second
		done := make(chan error)
		go func() {
			_, err := w.run(ctx, job)
			done <- err
		}()
		for range 6 {
			time.Sleep(20 * time.Second)
			if n := w.stored()["batch_output"]; n > 8 { // those of a minute, and what is open
				w.t.Errorf("results of %d batches are at the provider", n)
			}
		}
		if n, kept := len(w.server.Batches()), w.stored()["batch_output"]; n < 10 || kept == 0 {
			w.t.Errorf("%d batches, results of %d are at the provider", n, kept)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			w.t.Error(err)
		}
	})
}
