package durable

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
)

// watchInterval is how often the control file is read and, if something has
// changed, the status file written.
const watchInterval = time.Second

// maxReason limits how many bytes of an error the status file quotes.
const maxReason = 1000

// watch applies the control file and publishes the status until ctx is done.
func (ctl *controller) watch(ctx context.Context) error {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctl.wake:
		case <-ctx.Done():
			return nil
		}
		if err := ctl.applyControl(); err != nil {
			return err
		}
		ctl.noticeStall(ctx)
		ctl.noticeLate(ctx)
		if err := ctl.publish(""); err != nil { // which is no reason to stop
			ctl.notices.dirty.Store(true)
			ctl.log.WarnContext(ctx, "status not written", "error", err)
		}
	}
}

// applyControl applies the control file. Before that, it cancels a run whose
// time limit is over.
func (ctl *controller) applyControl() error {
	c, err := ctl.requested.Control()
	if err == nil && c.Want != rundir.Cancelled && ctl.clock.overdue() {
		c, err = want(ctl.dir, StateCancelled, reasonTimeLimit)
	}
	if err != nil {
		return err
	}
	if c.Rev < ctl.control.Rev {
		ctl.gate.forget()
	}
	ctl.gate.set(State(c.Want), c.Rev)
	if c.Want != ctl.control.Want || c.Reason != ctl.control.Reason {
		ctl.log.Info("the run is now", "state", c.Want, "reason", c.Reason)
		ctl.enterState(stateOf(State(c.Want)), c.Reason, nil)
	}
	if c.Drain {
		ctl.gate.drain(errDrained)
	}
	if c.Resumes != ctl.control.Resumes {
		ctl.guard.resume()
		if err := ctl.canary.resumed(c.Resumes); err != nil {
			return err
		}
	}
	if c.Rev != ctl.control.Rev {
		made, err := ctl.dir.Decisions()
		if err != nil {
			return err
		}
		ctl.fetcher.decisions.set(made)
		ctl.ledger.setBudget(c.Budget.Instead())
	}
	if !ctl.told.answers(c) {
		ctl.told = ctl.tell(c)
		ctl.notices.dirty.Store(true)
	}
	ctl.control = c
	if c.Rev > ctl.applied && ctl.gate.applied() && (!c.Drain || ctl.progress.ended() || ctl.gate.cancelled()) {
		ctl.applied = c.Rev
		ctl.notices.dirty.Store(true)
	}
	return nil
}

// finish publishes how the run has ended.
func (ctl *controller) finish(err error) error {
	var cancelled *CancelledError
	reason := ""
	switch {
	case ctl.progress.finished():
		ctl.enterState(StateCompleted, "", nil)
	case errors.As(err, &cancelled):
		ctl.enterState(StateCancelled, cancelled.Reason, nil)
	default:
		if err != nil {
			reason = truncate(err.Error(), maxReason)
			ctl.stuck = needsAction(err)
		}
		ctl.enterState(StateStopped, reason, err)
	}
	return ctl.publish(reason)
}

// publish writes the status file, if something in it has changed.
func (ctl *controller) publish(reason string) error {
	if !ctl.notices.dirty.Swap(false) {
		return nil
	}
	if reason == "" {
		reason = ctl.control.Reason
	}
	return ctl.dir.Write(rundir.StatusFile, snapshot{Applied: ctl.applied, Told: ctl.told, Status: Status{
		Name: ctl.name, Labels: ctl.labels, Wanted: State(ctl.control.Want), Report: ctl.report(), Open: ctl.priced(ctl.openBatches.list()), Output: outputPath(ctl.output), Notices: ctl.notices.list(),
		Reason: reason, NeedsAction: ctl.stuck, PID: os.Getpid(), Started: ctl.clock.started, Updated: time.Now(), Deadline: ctl.clock.expires,
	}})
}

// noticeStall reports if no open batch has moved for a long time.
func (ctl *controller) noticeStall(ctx context.Context) {
	open := slices.DeleteFunc(ctl.openBatches.list(), func(b OpenBatch) bool { return ctl.notices.explain(&b) })
	if len(open) == 0 || ctl.control.Want == rundir.Paused {
		ctl.notices.moved() // there is nothing that could, or that should
		return
	}
	since, due := ctl.notices.stall.due(time.Now())
	if !due || ctl.notices.has(NoticeUnreachable, "") {
		return
	}
	ctl.notices.raise(ctx, Notice{
		Kind: NoticeWaiting, Since: since,
		Text: fmt.Sprintf("nothing has moved for %s: %s", time.Since(since).Round(time.Minute), standstill(open)),
		Advice: "the run goes on by itself; a provider may take its whole window for a batch, and rows that are not done then " +
			"are retried",
	})
}
