package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/purchase"
)

// doneInterval is how often the status of another process is read while Wait
// waits for its end.
const doneInterval = time.Second

// StoppedError means that no process runs a run that is not at its end.
type StoppedError struct {
	Name   string
	Reason string
}

// Error says why it stopped, as far as that is known.
func (e *StoppedError) Error() string {
	return fmt.Sprintf("durable: the run %q stopped: %s", e.Name, e.Reason)
}

// Wait waits until no process runs the run any more, and returns what Run would
// return. From another process, a *StoppedError stands for all errors that
// leave something to do. If ctx ends first, it returns the report so far and
// the cause; the run is not affected.
//
// After Start, the caller must call Wait until it returns before the Output is
// closed. Wait also waits until the callbacks of the Job have returned, except
// for one that was under way when it was called and has not returned since. So
// a callback may call Wait, but an Output or a Source may not: the run ends
// only after they have returned.
func (h *Handle) Wait(ctx context.Context) (Report, error) {
	if h.own != nil {
		if h.own.wait(ctx) {
			return h.own.report, h.own.err
		}
		s, err := h.Status()
		return s.Report, errors.Join(context.Cause(ctx), err)
	}
	for {
		s, held, err := readStatus(h.dir)
		if err != nil || !held {
			return s.Report, errors.Join(err, s.end())
		}
		if err := purchase.Sleep(ctx, doneInterval); err != nil {
			return s.Report, err
		}
	}
}

// wait waits until the run has ended and its callbacks have returned. It
// reports whether that was before ctx was done. If a callback was under way
// when wait began and is still, wait may have been called by it, so it does not
// wait for it.
func (p *process) wait(ctx context.Context) bool {
	caller := p.callbacks.running()
	select {
	case <-p.done:
	case <-ctx.Done():
		return false
	}
	if caller != nil && caller == p.callbacks.running() {
		return true
	}
	select {
	case <-p.callbacks.done():
		return true
	case <-ctx.Done():
		return false
	}
}

// end returns the error of a run that no process runs.
func (s snapshot) end() error {
	switch s.State {
	case StateCancelled:
		return &CancelledError{Name: s.Name, Reason: s.Reason, At: s.asked, Rows: s.Cancelled}
	case StateStopped:
		return &StoppedError{Name: s.Name, Reason: s.Reason}
	case StateRunning, StatePaused, StateCancelling, StateCompleted:
	}
	return nil
}
