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
// After Start, the caller must call Wait until it returns before the Store is
// closed.
func (h *Handle) Wait(ctx context.Context) (Report, error) {
	if h.own != nil {
		select {
		case <-h.own.done:
			return h.own.report, h.own.err
		case <-ctx.Done():
			s, err := h.Status()
			return s.Report, errors.Join(context.Cause(ctx), err)
		}
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

// end returns the error of a run that no process runs.
func (s snapshot) end() error {
	switch s.State {
	case StateCancelled:
		return &CancelledError{Name: s.Name, Reason: CancelReason(s.Reason), At: s.asked, Rows: s.Cancelled}
	case StateStopped:
		return &StoppedError{Name: s.Name, Reason: s.Reason}
	case StateRunning, StatePaused, StateCancelling, StateCompleted:
	}
	return nil
}
