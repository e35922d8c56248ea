package durable

import (
	"fmt"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
)

// State is the state of a run.
type State string

// The states of a run. StateCompleted and StateCancelled are for good.
const (
	StateRunning    State = rundir.Running
	StatePaused     State = rundir.Paused    // buys nothing new; what was bought goes on
	StateCancelling State = "cancelling"     // ends what was bought, and settles it
	StateCancelled  State = rundir.Cancelled // items without a result get none
	StateCompleted  State = "completed"      // every item has its result
	StateStopped    State = "stopped"        // no process runs it; Run goes on
)

// The reasons to cancel a run.
const (
	reasonRequested = "requested"  // somebody called Cancel
	reasonTimeLimit = "time_limit" // Job.TimeLimit is over
)

// CancelledError is the error with which a cancelled run ends, this time and
// each time that it is run again. It also refuses to pause or resume the run,
// because a cancellation cannot be undone; then it has no Name and no Rows.
type CancelledError struct {
	Name   string
	Reason string    // "requested", or "time_limit" once Job.TimeLimit was over
	At     time.Time // when it was cancelled
	Rows   int       // items that were read and get no result
}

// Error says what happened and what was left.
func (e *CancelledError) Error() string {
	why := "on request"
	if e.Reason == reasonTimeLimit {
		why = "because its time limit was over"
	}
	if e.Name == "" {
		return fmt.Sprintf("durable: the run is cancelled, %s at %s, which cannot be undone: begin another under a new name",
			why, e.At.Format(time.RFC3339))
	}
	return fmt.Sprintf("durable: the run %q was cancelled %s at %s: %s",
		e.Name, why, e.At.Format(time.RFC3339), withoutResult(e.Rows))
}

// ErrRunning means that the run is under way already, here or in another
// process.
var ErrRunning = rundir.ErrRunning

// want records the state that is requested from now on. StateCancelled cannot
// be undone.
func want(d rundir.Dir, wanted State, reason string) (rundir.Control, error) {
	return d.Change(func(c *rundir.Control) (changed bool, err error) { return wish(c, wanted, reason) })
}

// pauseOnce records that a pause is requested, unless somebody has resumed the
// run since it was known to be necessary, when it had been resumed so often.
func pauseOnce(d rundir.Dir, resumes int, reason string) (rundir.Control, error) {
	return d.Change(func(c *rundir.Control) (changed bool, err error) {
		if c.Resumes > resumes {
			return false, nil
		}
		return wish(c, StatePaused, reason)
	})
}

// wish changes what is requested. It reports whether that is a change.
func wish(c *rundir.Control, wanted State, reason string) (changed bool, err error) {
	switch State(c.Want) {
	case wanted:
		if wanted != StateRunning && (c.Reason != "" || reason == "") {
			return false, nil // a pause without a reason takes one
		}
	case StateCancelled:
		return false, &CancelledError{Reason: c.Reason, At: c.At}
	case StateRunning, StatePaused, StateCancelling, StateCompleted, StateStopped:
	}
	c.Want, c.Reason, c.At = string(wanted), reason, time.Now()
	if wanted == StateRunning {
		c.Resumes++ // also if it runs: a route of it may be paused
	}
	return true, nil
}
