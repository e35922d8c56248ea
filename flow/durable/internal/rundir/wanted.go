package rundir

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/llm/price"
)

// These are the states that can be requested for a run.
const (
	Running   = "running"
	Paused    = "paused"
	Cancelled = "cancelled"
)

// Control is the requested state of a run. The process that runs the run
// applies it, and so does the next one.
type Control struct {
	Rev    int       `json:"rev"`  // grows by one with every change
	Want   string    `json:"want"` // Running, Paused or Cancelled
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
	// Resumes is how often Running was requested. It also ends pauses of
	// single routes.
	Resumes int `json:"resumes,omitempty"`
	// Drain says that the source is read no more.
	Drain bool `json:"drain,omitempty"`
	// Ask is the key of the item whose position was asked for last, and Asked
	// counts these requests.
	Ask   string `json:"ask,omitempty"`
	Asked int    `json:"asked,omitempty"`
	// Budget is another limit than the job has, if one was set.
	Budget *Budget `json:"budget,omitempty"`
}

// Budget is what a job may spend in the place of a limit of its own. If that is
// another one by now, it counts no more.
type Budget struct {
	Total     price.Money `json:"total"`
	InPlaceOf price.Money `json:"in_place_of"`
}

// Control reads the requested state. It is Running unless another one was
// requested.
func (d Dir) Control() (Control, error) {
	c, found, err := d.ReadControl(ControlFile)
	other, kept, failed := d.ReadControl(ControlCopy)
	switch {
	case err != nil && !kept, failed != nil && !found: // one of them is enough
		return Control{}, errors.Join(err, failed)
	case kept && (!found || other.Rev > c.Rev):
		return other, nil
	case found:
		return c, nil
	}
	return Control{Want: Running}, nil
}

// ReadControl reads one of the two control files.
func (d Dir) ReadControl(name string) (c Control, found bool, err error) {
	if found, err = d.Read(name, &c); err != nil || !found {
		return c, false, err
	}
	switch c.Want {
	case Running, Paused, Cancelled:
		return c, true, nil
	}
	return Control{}, false, fmt.Errorf("%w: %s wants the run to be %q: it can be %s, %s or %s", state.ErrDamaged,
		filepath.Join(d.Path, name), c.Want, Running, Paused, Cancelled)
}

// Change writes a changed request durably, under the next revision.
func (d Dir) Change(change func(*Control) (changed bool, err error)) (c Control, err error) {
	l := flock.New(filepath.Join(d.Path, controlLock))
	if err := l.Lock(); err != nil {
		return Control{}, fmt.Errorf("durable: lock %s: %w", ControlFile, err)
	}
	defer func() { err = errors.Join(err, l.Unlock()) }()
	c, err = d.Control()
	if err != nil {
		return Control{}, err
	}
	changed, err := change(&c)
	if err != nil || !changed {
		return c, err
	}
	c.Rev++
	if err := d.Write(ControlCopy, c); err != nil {
		return c, err
	}
	return c, d.Write(ControlFile, c)
}

// Renew requests Running for a run that was cancelled, paused or drained in an
// earlier epoch.
func (d Dir) Renew() error {
	c, err := d.Control()
	if err != nil || c.Want == Running && !c.Drain {
		return err
	}
	c = Control{Rev: c.Rev + 1, Want: Running, At: time.Now()}
	return errors.Join(d.Write(ControlCopy, c), d.Write(ControlFile, c))
}

// Decisions reads the decisions about rows without a result, by tag and by
// batch.
func (d Dir) Decisions() (map[string]string, error) {
	made := make(map[string]string)
	_, err := d.Read(DecisionsFile, &made)
	return made, err
}
