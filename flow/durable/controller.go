package durable

import (
	"time"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/internal/intent"
)

// controller connects a run with other processes. It applies the control file
// that they write, and writes the status file for them. One goroutine at a time
// watches.
type controller struct {
	*config
	gate        *gate
	openBatches *openBatches
	clock       *clock
	notices     *notices
	progress    *progress
	cleaner     *cleaner
	fetcher     *fetcher
	anomalies   *anomalies
	failures    *failures
	guard       *guard
	batches     *batches
	ledger      *ledger
	canary      *canaryWatch

	requested rundir.Watch

	wake    chan struct{}  // read the control file at once
	before  Progress       // when this process began
	stuck   bool           // it stopped and would stop again until a person has acted
	control rundir.Control // as it was read last
	applied int            // the last revision that is applied: nothing goes on that it forbids
	told    *told          // the answer to the last position that was asked for
}

// publishFirst sets up the first status and publishes it.
func (ctl *controller) publishFirst(open []intent.Intent) {
	ctl.before = ctl.progress.now()
	ctl.progress.value.State = stateOf(State(ctl.control.Want))
	if ctl.progress.finished() {
		ctl.progress.value.State = StateCompleted
	}
	for _, in := range open {
		ctl.openBatches.show(in)
	}
	ctl.observe(ctl.control.Reason, nil)
	if !ctl.canary.hasFailed() { // which says so itself
		ctl.guard.began(ctl.control)
	}
	ctl.notices.moved()
	ctl.progress.notify = func(p Progress) {
		ctl.notices.dirty.Store(true)
		ctl.notices.moved()
		ctl.callbacks.reportProgress(p)
	}
	ctl.notices.dirty.Store(true)
}

// report returns the report that Run would return now.
func (ctl *controller) report() Report {
	now := ctl.progress.now()
	r := Report{
		Progress: now, Cached: ctl.before.Settled() + now.FromCache - ctl.before.FromCache,
		Remote: ctl.cleaner.remote(), Elapsed: time.Since(ctl.clock.began), Finished: ctl.progress.finished(),
	}
	ctl.anomalies.report(&r)
	r.Tenants = tenantSpending(ctl.ledger.byTenant())
	r.Failures, r.InputTokens = ctl.failures.byCode(), ctl.progress.inputTokens()
	if r.State == StateCancelled {
		r.Cancelled = r.Rows - r.Settled()
	}
	return r
}

// cancellation returns the error of a run that is cancelled and not finished.
func (ctl *controller) cancellation() error {
	if ctl.progress.finished() || !ctl.gate.cancelled() {
		return nil
	}
	p := ctl.progress.now()
	return &CancelledError{Name: ctl.name, Reason: ctl.control.Reason, At: ctl.control.At, Rows: p.Rows - p.Settled()}
}

// stateOf maps the requested state to the one reported until it is reached.
func stateOf(want State) State {
	if want == StateCancelled {
		return StateCancelling
	}
	return want
}

func (ctl *controller) enterState(s State, reason string, err error) {
	ctl.progress.update(func(p *Progress) { p.State = s })
	ctl.observe(reason, err)
}

// observe reports the state, and what has ended the run if it has ended.
func (ctl *controller) observe(reason string, err error) {
	p := ctl.progress.now()
	ctl.callbacks.reportEvent(Event{Run: &RunEvent{State: p.State, Reason: reason, Code: runCode(p.State, reason, err), Rows: p.Rows, Succeeded: p.Succeeded, Failed: p.Failed, Labels: ctl.labels}})
}
