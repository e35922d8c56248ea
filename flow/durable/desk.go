package durable

import (
	"sync/atomic"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
)

// desk is where a run meets other processes: it obeys their control file and
// writes the status file for them. One goroutine at a time watches.
type desk struct {
	gate  *gate
	board *board
	poke  chan struct{} // look at once
	news  atomic.Bool   // since the status was written

	began   time.Time // by this process
	before  Progress  // by then
	started time.Time // for the first time
	expires time.Time // zero: never

	stuck     bool           // it stopped, and will again
	control   rundir.Control // as it was read last
	decisions *decisions
	obeyed    int // its revision, once nothing goes on that it forbids
}

// openDesk reads what is wanted of the run.
func openDesk(c *config, started time.Time) (*desk, error) {
	wanted, err := c.dir.Control()
	if err != nil {
		return nil, err
	}
	made, err := c.dir.Decisions()
	if err != nil {
		return nil, err
	}
	d := &desk{
		gate: newGate(State(wanted.Want)), board: newBoard(), poke: make(chan struct{}, 1),
		began: time.Now(), started: started, control: wanted, decisions: newDecisions(made), obeyed: wanted.Rev,
	}
	if c.timeLimit > 0 {
		if d.began.Before(started) { // the clock was set back
			started = d.began
		}
		d.expires = started.Add(c.timeLimit)
	}
	return d, nil
}

// appear puts up what a process sees first.
func (e *engine) appear() {
	e.before = e.tally.progress()
	e.tally.now.State = stateOf(State(e.control.Want))
	if e.finished() {
		e.tally.now.State = Completed
	}
	for _, in := range e.open {
		e.board.show(in)
	}
	e.moved()
	e.tally.notify = func(p Progress) {
		e.news.Store(true)
		e.moved()
		e.progress(p)
	}
	e.news.Store(true)
}

// report is what Run returns, as it is now.
func (e *engine) report() Report {
	now := e.tally.progress()
	r := Report{
		Progress: now, Cached: e.before.Settled() + now.FromCache - e.before.FromCache,
		Remote: e.remote(), Elapsed: time.Since(e.began), Finished: e.finished(),
	}
	e.surprises.report(&r)
	r.Failures = e.failures.byCode()
	if r.State == Cancelled {
		r.Cancelled = r.Rows - r.Settled()
	}
	return r
}
