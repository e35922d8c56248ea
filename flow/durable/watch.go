package durable

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
)

// watchInterval is how often the control file is read and, if something has
// changed, the status file written.
const watchInterval = time.Second

// maxReason bounds what the status file quotes of an error, in bytes.
const maxReason = 1000

// watch obeys and publishes until ctx is done.
func (e *engine) watch(ctx context.Context) error {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-e.poke:
		case <-ctx.Done():
			return nil
		}
		if err := e.obey(); err != nil {
			return err
		}
		e.noticeStall(ctx)
		if err := e.publish(""); err != nil { // which is no reason to stop
			e.news.Store(true)
			e.log.WarnContext(ctx, "status not written", "error", err)
		}
	}
}

// obey does what the control file wants, after cancelling a run whose time is
// over.
func (e *engine) obey() error {
	c, err := e.dir.Control()
	if err == nil && c.Want != rundir.Cancelled && e.overdue() {
		c, err = want(e.dir, Cancelled, CancelTimeLimit)
	}
	if err != nil {
		return err
	}
	if c.Want != e.control.Want {
		e.gate.set(State(c.Want))
		e.log.Info("the run is now", "state", c.Want, "reason", c.Reason)
		e.enterState(stateOf(State(c.Want)))
	}
	if c.Rev != e.control.Rev {
		made, err := e.dir.Decisions()
		if err != nil {
			return err
		}
		e.decisions.set(made)
	}
	e.control = c
	if c.Rev > e.obeyed && e.gate.obeyed() {
		e.obeyed = c.Rev
		e.news.Store(true)
	}
	return nil
}

// stateOf is where a run stands of which that is wanted.
func stateOf(want State) State {
	if want == Cancelled {
		return Cancelling
	}
	return want
}

func (e *engine) enterState(s State) {
	e.tally.update(func(p *Progress) { p.State = s })
}

// finish publishes how the run has ended.
func (e *engine) finish(err error) error {
	var cancelled *CancelledError
	reason := ""
	switch {
	case e.finished():
		e.enterState(Completed)
	case errors.As(err, &cancelled):
		e.enterState(Cancelled)
	default:
		e.enterState(Stopped)
		if err != nil {
			reason = clip(err.Error(), maxReason)
			e.stuck = needsAction(err)
		}
	}
	return e.publish(reason)
}

// publish writes the status file, if something in it has changed.
func (e *engine) publish(reason string) error {
	if !e.news.Swap(false) {
		return nil
	}
	if reason == "" {
		reason = e.control.Reason
	}
	return e.dir.Write(rundir.StatusFile, snapshot{Obeyed: e.obeyed, Status: Status{
		Name: e.name, Wanted: State(e.control.Want), Report: e.report(), Open: e.board.list(), Output: outputPath(e.output), Notices: e.notices.list(),
		Reason: reason, NeedsAction: e.stuck, PID: os.Getpid(), Started: e.started, Updated: time.Now(), Deadline: e.expires,
	}})
}
