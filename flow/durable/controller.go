package durable

import (
	"time"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/internal/intent"
)

// controller is where a run meets other processes: it obeys their control file
// and writes the status file for them. One goroutine at a time watches.
type controller struct {
	*config
	gate      *gate
	board     *board
	clock     *clock
	notices   *notices
	tally     *tally
	cleaner   *cleaner
	fetcher   *fetcher
	surprises *surprises
	failures  *failures

	poke    chan struct{}  // look at once
	before  Progress       // when this process began
	stuck   bool           // it stopped, and will again
	control rundir.Control // as it was read last
	obeyed  int            // its revision, once nothing goes on that it forbids
}

// appear puts up what a process sees first.
func (ctl *controller) appear(open []intent.Intent) {
	ctl.before = ctl.tally.progress()
	ctl.tally.now.State = stateOf(State(ctl.control.Want))
	if ctl.tally.finished() {
		ctl.tally.now.State = Completed
	}
	for _, in := range open {
		ctl.board.show(in)
	}
	ctl.notices.moved()
	ctl.tally.notify = func(p Progress) {
		ctl.notices.news.Store(true)
		ctl.notices.moved()
		ctl.progress(p)
	}
	ctl.notices.news.Store(true)
}

// report is what Run returns, as it is now.
func (ctl *controller) report() Report {
	now := ctl.tally.progress()
	r := Report{
		Progress: now, Cached: ctl.before.Settled() + now.FromCache - ctl.before.FromCache,
		Remote: ctl.cleaner.remote(), Elapsed: time.Since(ctl.clock.began), Finished: ctl.tally.finished(),
	}
	ctl.surprises.report(&r)
	r.Failures = ctl.failures.byCode()
	if r.State == Cancelled {
		r.Cancelled = r.Rows - r.Settled()
	}
	return r
}

// cancellation is how a run ends that is cancelled and not finished.
func (ctl *controller) cancellation() error {
	if ctl.tally.finished() || !ctl.gate.cancelled() {
		return nil
	}
	p := ctl.tally.progress()
	return &CancelledError{Name: ctl.name, Reason: CancelReason(ctl.control.Reason), At: ctl.control.At, Rows: p.Rows - p.Settled()}
}

// stateOf is where a run stands of which that is wanted.
func stateOf(want State) State {
	if want == Cancelled {
		return Cancelling
	}
	return want
}

func (ctl *controller) enterState(s State) {
	ctl.tally.update(func(p *Progress) { p.State = s })
}
