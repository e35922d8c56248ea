package durable_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// What is observed is the whole history, in order: the run begins and ends,
// each batch goes from state to state, and each row has its result before its
// batch is done.
func TestEventsAreTheHistoryOfARun(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		tickets := durabletest.Tickets(250)
		tickets[7] = `{"id":"bad","text":"[[400]] secret"}`
		w.Write("in.jsonl", tickets...)
		var events []durable.Event
		job := w.BriskJob()
		job.Observe = func(e durable.Event) { events = append(events, e) }
		report := w.MustRun(job)

		states, rows, settled := make(map[string]string), make(map[string]string), make(map[string]int)
		for i, e := range events {
			if e.Seq != uint64(i+1) || e.V != durable.EventVersion || e.Job != job.Name || e.At.IsZero() {
				t.Fatalf("event %d: %+v", i, e)
			}
			line, err := json.Marshal(e)
			if err != nil || strings.Contains(string(line), "secret") || strings.Contains(string(line), "ticket number 1\"") {
				t.Errorf("%v, or a payload in %s", err, line)
			}
			switch {
			case e.Batch != nil:
				if e.Batch.Was != states[e.Batch.Tag] {
					t.Errorf("batch %s comes from %q, was %q", e.Batch.Tag, e.Batch.Was, states[e.Batch.Tag])
				}
				states[e.Batch.Tag] = e.Batch.State
				if e.Batch.State == "committed" && settled[e.Batch.Batch] != e.Batch.Rows {
					t.Errorf("batch %s is done with %d of %d rows", e.Batch.Tag, settled[e.Batch.Batch], e.Batch.Rows)
				}
			case e.Row != nil:
				rows[e.Row.ID] += string(e.Row.Status) + e.Row.Code
				settled[e.Row.Batch]++
			}
		}
		if len(rows) != 250 || rows["bad"] != "failedinvalid_value" || rows["t-1"] != "succeeded" {
			t.Errorf("%d rows, bad: %q, t-1: %q", len(rows), rows["bad"], rows["t-1"])
		}
		if len(states) != report.Batches {
			t.Errorf("batches %v", states)
		}
		for tag, state := range states {
			if state != "cleaned" {
				t.Errorf("batch %s is left %s", tag, state)
			}
		}
		first, last := events[0].Run, events[len(events)-1].Run
		if first == nil || first.State != durable.StateRunning || last == nil || last.State != durable.StateCompleted || last.Succeeded != 249 || last.Failed != 1 {
			t.Errorf("first %+v, last %+v", first, last)
		}
	})
}

// Notices begin and end, and say so.
func TestEventsTellOfNotices(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(100)...)
		w.SetFaults(simulator.Fault{Route: "POST /v1/batches", Action: "fail", Status: http.StatusServiceUnavailable, Times: 12})
		var got []string
		job := w.BriskJob()
		job.Observe = func(e durable.Event) {
			if e.Notice != nil {
				got = append(got, fmt.Sprint(e.Notice.Kind, " ", e.Notice.Over))
			}
		}
		w.MustRun(job)
		if len(got) < 2 || !strings.HasSuffix(got[0], "false") || got[len(got)-1] != strings.Replace(got[0], "false", "true", 1) {
			w.T.Errorf("notices %q", got)
		}
	})
}

var observeCalls = flag.Int("observe.calls", 40, "calls of the handle from a callback")

// A callback may pause, resume and cancel the run that calls it, as often as it
// wants.
func TestObserveCallsTheHandle(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(*observeCalls)...)
		handle, calls := make(chan *durable.Handle, 1), 0
		var h *durable.Handle
		job := w.BriskJob()
		job.Batch.MaxItems = 20
		job.Observe = func(e durable.Event) {
			if h == nil {
				h = <-handle
			}
			if e.Row == nil {
				return
			}
			var err error
			switch calls++; {
			case calls == *observeCalls:
				err = h.Cancel(t.Context())
			case calls%2 == 1:
				err = h.Pause(t.Context())
			default:
				err = h.Resume(t.Context())
			}
			if err != nil {
				t.Errorf("call %d: %v", calls, err)
			}
		}
		_, err := w.With(t.Context(), job, func(ctx context.Context, job durable.Job[durabletest.Ticket]) (durable.Report, error) {
			h, err := durable.Start(ctx, job)
			if err != nil {
				return durable.Report{}, err
			}
			handle <- h
			return h.Wait(ctx)
		})
		if calls != *observeCalls || err != nil {
			t.Errorf("%d calls, %v", calls, err)
		}
	})
}
