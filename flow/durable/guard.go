package durable

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// guard watches how many rows of each route fail. Above one rate it says so.
// Above a higher one it pauses the route: rows that another route can take go
// on there. It pauses the run if no route is left. Then a person decides.
type guard struct {
	*config
	gate    *gate
	notices *notices
	wake    chan<- struct{} // the requested state has changed

	failures []*retry.Guard // of each route of the job
}

func newGuard(c *config, gate *gate, n *notices, wake chan<- struct{}) (*guard, error) {
	g := &guard{config: c, gate: gate, notices: n, wake: wake}
	for _, own := range c.own {
		limits := c.guard
		limits.OnNotify = func(a retry.Alert) { g.tell(own, a) }
		limits.OnPause = func(a retry.Alert) { g.pause(own, a) }
		failures, err := retry.NewGuard(limits)
		if err != nil {
			return nil, err
		}
		g.failures = append(g.failures, failures)
		if len(c.own) > 1 {
			own.failures = failures
		}
	}
	return g, nil
}

func validateGuard(c retry.GuardConfig) error {
	if c.OnNotify != nil || c.OnPause != nil {
		return errors.New("durable: Job.Guard has hooks: use Job.Notify")
	}
	if _, err := retry.NewGuard(c); err != nil {
		return fmt.Errorf("durable: Job.Guard: %w", err)
	}
	return nil
}

// judge judges a route by rows of a batch.
func (g *guard) judge(own int, v verdicts) {
	if own >= 0 {
		g.failures[own].RecordMany(retry.Scope{}, v.succeeded, v.failed, v.last)
	}
}

// verdicts counts how the rows of a batch did, those that are asked again too.
type verdicts struct {
	succeeded, failed int
	last              error
}

func (v *verdicts) add(err error) {
	if err == nil {
		v.succeeded++
		return
	}
	v.failed, v.last = v.failed+1, err
}

// await waits until a route is not paused.
func (g *guard) await(ctx context.Context, own int) error {
	return g.failures[own].Wait(ctx, retry.Scope{})
}

func (g *guard) tell(own *ownRoute, a retry.Alert) {
	g.callbacks.reportEvent(Event{Route: &RouteEvent{own.name, RouteFailing, failing(own, a)}})
	g.notices.raise(context.Background(), Notice{
		Kind: NoticeFailing, Tag: own.name, Text: failing(own, a),
		Advice: "look at the failed rows; if still more fail, it is paused (Job.Guard, baler run --pause-above)",
	})
}

// pause pauses a route. If there is no other, it pauses the run, which is kept
// with the run, so that it lasts longer than the process.
func (g *guard) pause(own *ownRoute, a retry.Alert) {
	g.callbacks.reportEvent(Event{Route: &RouteEvent{own.name, RoutePaused, failing(own, a)}})
	what := "the route"
	if g.noneLeft() {
		what = "the run"
		c, err := want(g.dir, StatePaused, failing(own, a))
		if err == nil {
			g.follow(c)
		} else {
			g.log.Error("the run could not be paused", "error", err)
			g.apply() // it may have been written
		}
	}
	g.raisePaused(own.name, what, failing(own, a))
}

// follow does at once what a change of the control file means for what is
// bought, and leaves the rest to the controller.
func (g *guard) follow(c rundir.Control) {
	g.gate.set(State(c.Want), c.Rev)
	g.apply()
}

// apply lets the controller read the control file.
func (g *guard) apply() {
	select {
	case g.wake <- struct{}{}:
	default: // it is about to be read
	}
}

func (g *guard) raisePaused(route, what, why string) {
	g.notices.raiseNew(context.Background(), Notice{
		Kind: NoticeFailing, Tag: route, Text: fmt.Sprintf("%s is paused: %s", what, why),
		Advice: "it buys nothing new, and what was bought is awaited and delivered: look at the failed rows, " +
			"then resume the run (baler resume) or cancel it",
	})
}

// began says so if the run was paused in an earlier process.
func (g *guard) began(c rundir.Control) {
	if c.Want == rundir.Paused && c.Reason != "" {
		g.raisePaused("", "the run", c.Reason)
	}
}

func (g *guard) noneLeft() bool {
	return len(g.own) == 1 || !slices.ContainsFunc(g.own, func(r *ownRoute) bool { return !r.stopped() })
}

// resume ends all pauses.
func (g *guard) resume() {
	g.notices.clear(NoticeFailing, "")
	for n, own := range g.own {
		g.notices.clear(NoticeFailing, own.name)
		g.failures[n].Resume(retry.Scope{})
		g.callbacks.reportEvent(Event{Route: &RouteEvent{Route: own.name, State: RouteResumed}})
	}
}

// failing says how many rows fail. The last failure is named by its code,
// because its message may quote the row.
func failing(own *ownRoute, a retry.Alert) string {
	of := ""
	if own.name != "" {
		of = fmt.Sprintf(" of the route %q", own.name)
	}
	code := "no answer"
	if e, ok := errors.AsType[*sink.RowError](a.Err); ok && e.Code != "" {
		code = e.Code
	}
	return fmt.Sprintf("%d of %d rows%s failed (%.0f %%), the last with %s", a.Failed, a.Total, of, 100*a.Rate(), code)
}

// observe counts how the row of an outcome did, if a model was asked for it.
func (c *chunk) observe(o *jobdir.Outcome, err error) {
	asked := !o.Cached() && !o.Shared && (o.Err == nil || o.Err.Code != intent.CodeMissing && !neverRan(&o.Outcome))
	if !asked || c.s.gate.cancelled() {
		return
	}
	c.verdicts.add(err)
	c.asked.Rows++
	switch failure, _ := errors.AsType[*sink.RowError](err); {
	case err == nil:
	case failure != nil && failure.Code == sink.CodeInvalidAnswer:
		c.asked.Invalid++
	default:
		c.asked.Failed++
	}
}
