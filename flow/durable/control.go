package durable

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/balerhq/baler/flow/state"
)

// State is where a run stands.
type State string

// The states of a run. Completed and Cancelled are for good.
const (
	Running    State = "running"
	Paused     State = "paused"     // buys nothing new; what was bought goes on
	Cancelling State = "cancelling" // ends what was bought, and settles it
	Cancelled  State = "cancelled"  // items without a result get none
	Completed  State = "completed"  // every item has its result
	Stopped    State = "stopped"    // no process runs it; Run goes on
)

// CancelReason is why a run was cancelled.
type CancelReason string

// The reasons to cancel a run.
const (
	CancelRequested CancelReason = "requested"  // somebody called Cancel
	CancelTimeLimit CancelReason = "time_limit" // Job.TimeLimit is over
)

// CancelledError is how a cancelled run ends, this time and each time that it
// is run again.
type CancelledError struct {
	Name   string
	Reason CancelReason
	At     time.Time // when it was cancelled
	Rows   int       // items that were read and get no result
}

// Error says what happened and what was left.
func (e *CancelledError) Error() string {
	why := "on request"
	if e.Reason == CancelTimeLimit {
		why = "because its time limit was over"
	}
	return fmt.Sprintf("durable: the run %q was cancelled %s at %s: %d rows have no result",
		e.Name, why, e.At.Format(time.RFC3339), e.Rows)
}

// ErrCancelled refuses to pause or resume a run that is cancelled for good.
var ErrCancelled = errors.New("durable: the run is cancelled, which cannot be undone: begin another under a new name")

// control is what is wanted of a run. It is obeyed by the process that runs it,
// and by the next one.
type control struct {
	Rev    int          `json:"rev"`  // grows by one with every change
	Want   State        `json:"want"` // Running, Paused or Cancelled
	Reason CancelReason `json:"reason,omitempty"`
	At     time.Time    `json:"at"`
}

// control reads what is wanted: to run, unless somebody said otherwise.
func (d runDir) control() (control, error) {
	c, found, err := d.readControl(controlFile)
	other, kept, failed := d.readControl(controlCopy)
	switch {
	case err != nil && !kept, failed != nil && !found: // one of them tells
		return control{}, errors.Join(err, failed)
	case kept && (!found || other.Rev > c.Rev):
		return other, nil
	case found:
		return c, nil
	}
	return control{Want: Running}, nil
}

func (d runDir) readControl(name string) (c control, found bool, err error) {
	if found, err = d.read(name, &c); err != nil || !found {
		return c, false, err
	}
	switch c.Want {
	case Running, Paused, Cancelled:
		return c, true, nil
	case Cancelling, Completed, Stopped:
	}
	return control{}, false, fmt.Errorf("%w: %s wants the run to be %q: it can be %s, %s or %s", state.ErrDamaged,
		filepath.Join(d.path, name), c.Want, Running, Paused, Cancelled)
}

// want makes durable what is wanted from now on. Cancelled is not undone.
func (d runDir) want(wanted State, reason CancelReason) (control, error) {
	return d.change(func(c *control) (changed bool, err error) {
		switch c.Want {
		case wanted:
			return false, nil
		case Cancelled:
			return false, ErrCancelled
		case Running, Paused, Cancelling, Completed, Stopped:
		}
		c.Want, c.Reason, c.At = wanted, reason, time.Now()
		return true, nil
	})
}

// change makes what is wanted durable, under the next revision if it changes.
func (d runDir) change(change func(*control) (changed bool, err error)) (c control, err error) {
	l := flock.New(filepath.Join(d.path, controlLock))
	if err := l.Lock(); err != nil {
		return control{}, fmt.Errorf("durable: lock %s: %w", controlFile, err)
	}
	defer func() { err = errors.Join(err, l.Unlock()) }()
	c, err = d.control()
	if err != nil {
		return control{}, err
	}
	changed, err := change(&c)
	if err != nil || !changed {
		return c, err
	}
	c.Rev++
	if err := d.write(controlCopy, c); err != nil {
		return c, err
	}
	return c, d.write(controlFile, c)
}
