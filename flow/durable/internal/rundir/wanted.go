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
	// Budget is what the run may spend, nil if it never had a limit.
	Budget *Budget `json:"budget,omitempty"`
}

// Budget is the limit that a run was started with last, and the one that was
// set since and counts in its place.
type Budget struct {
	Given price.Money `json:"given"`         // zero means none
	Set   price.Money `json:"set,omitempty"` // zero means that none was set
}

// Instead returns the limit that counts in the place of the given one, zero if
// there is none.
func (b *Budget) Instead() price.Money {
	if b == nil {
		return 0
	}
	return b.Set
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

// Renew requests Running for a run that was cancelled, paused or drained before
// it goes on.
func (d Dir) Renew() error { return d.renew(false) }

// RenewFresh does the same for a run that begins anew. A limit that was set for
// what it was before counts no more.
func (d Dir) RenewFresh() error { return d.renew(true) }

func (d Dir) renew(fresh bool) error {
	_, err := d.Change(func(c *Control) (changed bool, err error) {
		next := Control{Rev: c.Rev, Want: Running, At: time.Now(), Resumes: c.Resumes, Budget: c.Budget}
		if fresh {
			next.Budget = nil
		}
		if c.Want == Running && !c.Drain && next.Budget == c.Budget {
			return false, nil
		}
		*c = next
		return true, nil
	})
	return err
}

// Give notes the limit that the run is started with, zero for none. One that was
// set in its place goes on counting, unless the run was started with another one
// then: that is returned as dropped.
func (d Dir) Give(limit price.Money) (b *Budget, dropped price.Money, err error) {
	c, err := d.Change(func(c *Control) (changed bool, err error) {
		if c.Budget == nil && limit == 0 || c.Budget != nil && c.Budget.Given == limit {
			return false, nil
		}
		dropped, c.Budget = c.Budget.Instead(), &Budget{Given: limit}
		return true, nil
	})
	return c.Budget, dropped, err
}

// Decisions reads the decisions about rows without a result, by tag and by
// batch.
func (d Dir) Decisions() (map[string]string, error) {
	made := make(map[string]string)
	_, err := d.Read(DecisionsFile, &made)
	return made, err
}
