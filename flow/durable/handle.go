package durable

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/internal/purchase"
)

// applyInterval is how often the status file is read while another process has
// to apply a request.
const applyInterval = 100 * time.Millisecond

// Handle reaches a run by its name: from the process that started it, or, with
// Dir.Attach, from any other process on the machine. Its requests are durable.
// The process that runs the run applies them within about a second, or else the
// next one does. A Handle is safe for concurrent use and need not be closed.
type Handle struct {
	name string
	dir  rundir.Dir
	own  *process // nil unless started here
}

// process is a run that this process runs.
type process struct {
	wake      chan<- struct{} // read the control file now
	callbacks *callbacks
	position  func(key string) (int, error)
	done      chan struct{} // the run has ended; callbacks may still be called
	report    Report
	last      Status // if its directory is gone
	err       error
}

// Attach returns a handle of the run of that name. The directory may be in use
// by another process, or by none. The error is ErrNoRun if there is no such
// run.
func (d *Dir) Attach(name string) (*Handle, error) {
	if _, err := os.Stat(d.path); err != nil {
		return nil, fmt.Errorf("durable: state directory: %w", err)
	}
	h := &Handle{name: name, dir: rundir.New(d.path, name)}
	if _, err := h.Status(); err != nil {
		return nil, err
	}
	return h, nil
}

// Name returns the run's name.
func (h *Handle) Name() string { return h.name }

// Status reads the state and progress of the run. If a process runs it, they
// are a second or two old at most. StateStopped means that no process runs it
// and that Run continues it.
func (h *Handle) Status() (Status, error) {
	s, _, err := readStatus(h.dir)
	if errors.Is(err, ErrNoRun) && h.own != nil { // its directory was a temporary one
		<-h.own.done
		return h.own.last, nil
	}
	if errors.Is(err, ErrNoRun) {
		err = fmt.Errorf("%w: %q", err, h.name)
	}
	return s.Status, err
}

// Pause stops the run from buying. Once it returns nil, no batch is sealed or
// created until Resume, not even by a later Run. Open batches are still polled
// and their results delivered, and the source is still read. A TimeLimit keeps
// counting.
//
// If ctx ends first, the request is durable, but a creation that was under way
// may not have been answered yet.
func (h *Handle) Pause(ctx context.Context) error { return h.request(ctx, StatePaused) }

// Resume undoes Pause.
func (h *Handle) Resume(ctx context.Context) error { return h.request(ctx, StateRunning) }

// Cancel ends the run for good. Once it returns nil, nothing is bought any more
// under this name. The process that runs it, or else the next Run, cancels the
// open batches at the provider, waits for their end, delivers the results of
// what ran and leaves all other items without one. Run then returns a
// *CancelledError, now and each time it is called again. A run that has all its
// results by then is completed instead.
//
// About the end of ctx see Pause.
func (h *Handle) Cancel(ctx context.Context) error { return h.request(ctx, StateCancelled) }

func (h *Handle) request(ctx context.Context, wanted State) error {
	reason := ""
	if wanted == StateCancelled {
		reason = reasonRequested
	}
	c, err := want(h.dir, wanted, reason)
	if err != nil {
		return err
	}
	return h.awaitApplied(ctx, c.Rev, string(wanted))
}

// awaitApplied waits until the process that runs the run, if there is one, has
// applied a revision of the control file.
func (h *Handle) awaitApplied(ctx context.Context, rev int, what string) error {
	if h.own != nil {
		select {
		case h.own.wake <- struct{}{}:
		default: // it is about to read the file already
		}
	}
	for {
		s, held, err := readStatus(h.dir)
		if err != nil || !held || s.Applied >= rev {
			return err
		}
		if err := purchase.Sleep(ctx, applyInterval); err != nil {
			return fmt.Errorf("durable: %s is recorded, and not applied yet: %w", what, err)
		}
	}
}
