package durable_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// handleCalls are the methods of a handle that wait for its run.
var handleCalls = map[string]func(context.Context, *durable.Handle) error{
	"Cancel": func(ctx context.Context, h *durable.Handle) error { return h.Cancel(ctx) },
	"Pause":  func(ctx context.Context, h *durable.Handle) error { return errors.Join(h.Pause(ctx), h.Resume(ctx)) },
	"Settle": func(ctx context.Context, h *durable.Handle) error {
		if err := h.Settle(ctx, "none", durable.DecisionFail); err == nil || !strings.Contains(err.Error(), "no row of the batch is missing") {
			return err
		}
		return nil
	},
	"Wait": func(ctx context.Context, h *durable.Handle) error {
		_, err := h.Wait(ctx)
		return err
	},
}

// calling runs a job and calls the handle once, from one of its callbacks. A
// call that hangs ends after a while.
type calling struct {
	call   func(context.Context, *durable.Handle) error
	ctx    context.Context
	handle chan *durable.Handle
	result chan error
}

func newCalling(ctx context.Context, call func(context.Context, *durable.Handle) error) *calling {
	return &calling{call, ctx, make(chan *durable.Handle, 1), make(chan error, 1)}
}

// once makes the call, the first time.
func (c *calling) once() {
	if h := <-c.handle; h != nil {
		close(c.handle)
		c.result <- c.call(c.ctx, h)
	}
}

// run runs the job, and fails unless the call and the run have ended well.
func (c *calling) run(w *durabletest.World, job durable.Job[durabletest.Ticket], output durable.Output) {
	w.T.Helper()
	report, err := w.With(c.ctx, job, func(ctx context.Context, job durable.Job[durabletest.Ticket]) (durable.Report, error) {
		if output != nil {
			job.Output = output
		}
		h, err := durable.Start(ctx, job)
		if err != nil {
			return durable.Report{}, err
		}
		c.handle <- h
		if err := <-c.result; err != nil {
			w.T.Errorf("in the callback: %v", err)
		}
		return h.Wait(ctx)
	})
	if _, cancelled := errors.AsType[*durable.CancelledError](err); !cancelled && (err != nil || !report.Finished) {
		w.T.Errorf("report %+v, %v", report, err)
	}
}

// Progress may call each method of the handle, even when it reports a batch
// that is just bought, which is inside the purchase gate.
func TestProgressCallsTheHandle(t *testing.T) {
	t.Parallel()
	for name, call := range handleCalls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := durabletest.New(t, simulator.Config{})
			w.Write("in.jsonl", durabletest.Tickets(30)...)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			c, job := newCalling(ctx, call), w.Job()
			job.Batch.MaxItems, job.MaxInFlight = 10, 1
			job.Progress = func(p durable.Progress) {
				if p.Batches > 0 {
					c.once()
				}
			}
			c.run(w, job, nil)
		})
	}
}

// Notify may do the same.
func TestNotifyCallsTheHandle(t *testing.T) {
	t.Parallel()
	limited := simulator.Fault{
		Route: creation, Action: simulator.ActionFail, Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "120"},
	}
	for name, call := range handleCalls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			durabletest.Bubble(t, simulator.Config{Faults: []simulator.Fault{limited}}, openai.Config{}, nil, func(w *durabletest.World) {
				w.Write("in.jsonl", durabletest.Tickets(30)...)
				ctx, cancel := context.WithTimeout(w.T.Context(), time.Hour)
				defer cancel()
				c, job := newCalling(ctx, call), w.Job()
				job.Notify = func(durable.Notice) { c.once() }
				c.run(w, job, nil)
			})
		})
	}
}

// An output may call each method but Wait: the run goes on when it returns.
func TestAnOutputCallsTheHandle(t *testing.T) {
	t.Parallel()
	for name, call := range handleCalls {
		if name == "Wait" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
				w.Write("in.jsonl", durabletest.Tickets(30)...)
				ctx, cancel := context.WithTimeout(w.T.Context(), time.Hour)
				defer cancel()
				c, job := newCalling(ctx, call), w.Job()
				job.Batch.MaxItems, job.MaxInFlight = 10, 1
				c.run(w, job, durable.Each(func(context.Context, durable.Result) error {
					c.once()
					return nil
				}))
			})
		})
	}
}

// A callback that is slow holds up only the end of Run, which waits for the
// last call.
func TestASlowCallbackHoldsUpNothing(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(300)...)
		job := w.BriskJob()
		start, calls := time.Now(), 0
		var last durable.Progress
		job.Progress = func(p durable.Progress) {
			calls++
			time.Sleep(10 * time.Minute)
			last = p
		}
		report := w.MustRun(job)
		if report.Elapsed > 5*time.Minute || time.Since(start) != time.Duration(calls)*10*time.Minute {
			w.T.Errorf("the run took %s, with %d calls %s", report.Elapsed, calls, time.Since(start))
		}
		if !reflect.DeepEqual(last, report.Progress) || last.State != durable.StateCompleted {
			w.T.Errorf("the last call got %+v, the report is %+v", last, report.Progress)
		}
	})
}
