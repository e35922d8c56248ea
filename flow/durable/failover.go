package durable

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
)

// Failover says when an item of a job with Routes takes another route than the
// one that Job.Choose has in mind for it. An item in a batch that was bought,
// or may have been, goes nowhere until the batch has ended.
type Failover string

// The ways to fail over. The zero Failover is FailoverOut.
const (
	// FailoverOut lets an item take another route if its own is out: its
	// account is blocked, its provider is down, or the Guard has paused it.
	// Job.Choose then sees only routes that are not out.
	FailoverOut Failover = "out"
	// FailoverFailed does that, and lets an item go on to a route that has not
	// failed it yet, if one fails it for good: by an error, an answer that is
	// none, or one that Job.Check refuses. MaxAttempts then counts by route.
	// An answer that was refused is paid for, and so is the next one.
	FailoverFailed Failover = "failed"
	// FailoverNever lets each item wait for the route of Job.Choose.
	FailoverNever Failover = "never"
)

func (f Failover) validate() error {
	switch f {
	case "", FailoverOut, FailoverFailed, FailoverNever:
		return nil
	}
	return fmt.Errorf("durable: Job.Failover is %q: must be %q, %q or %q", string(f), FailoverOut, FailoverFailed, FailoverNever)
}

// narrowed removes the routes that are out, and those that have failed the
// entry for good, unless none would be left.
func (l *routes) narrowed(fitting []int, e *jobdir.Entry) []int {
	if len(fitting) == 1 {
		return fitting
	}
	left := l.without(fitting, func(n int) bool { return l.failedBy(e, n) })
	left = l.byDeadline(left, e)
	if l.failover == FailoverNever {
		return left
	}
	left = l.without(left, func(n int) bool { return l.own[n].out() })
	return l.without(left, func(n int) bool { return l.own[n].service.avoided() })
}

// without returns the routes that are not so, or all if none is left.
func (l *routes) without(all []int, so func(n int) bool) []int {
	l.left = l.left[:0]
	for _, n := range all {
		if !so(n) {
			l.left = append(l.left, n)
		}
	}
	if len(l.left) == 0 {
		return all
	}
	return append(all[:0], l.left...)
}

// failedBy reports whether a route of the job has failed an entry for good.
func (l *routes) failedBy(e *jobdir.Entry, own int) bool {
	for _, t := range e.Tries() {
		if t.Code != "" && l.ownOf(int(t.Route)) == own {
			return true
		}
	}
	return false
}

// attempts returns how often an entry was sent before and how often it may be
// at most, both as far as they count for its route.
func (l *routes) attempts(e *jobdir.Entry) (sent, most int) {
	most = l.maxAttempts
	if own := l.ownOf(int(e.Route)); own >= 0 {
		most = cmp.Or(l.own[own].maxAttempts, most)
	}
	if l.attemptsByRoute() {
		return e.AttemptsOn(e.Route), most
	}
	return e.Attempts(), most
}

// usesUp reports whether an entry has been sent as often as it may be, once it
// is sent.
func (l *routes) usesUp(e *jobdir.Entry) bool {
	sent, most := l.attempts(e)
	return sent+1 >= most
}

// attemptsByRoute reports whether attempts at one route do not count at
// another.
func (l *routes) attemptsByRoute() bool {
	return l.failover == FailoverFailed || slices.ContainsFunc(l.own, func(own *ownRoute) bool { return own.maxAttempts > 0 })
}

// elsewhere reports whether another route can take a row of a batch that is not
// bought, because it is a chat and that route is not out.
// Then the batch is taken back. Its other rows wait in a batch of their own.
func (l *routes) elsewhere(in intent.Intent, entries []jobdir.Entry) bool {
	if l.failover == FailoverNever || l.get(in.Route).Revision == 0 {
		return false
	}
	return slices.ContainsFunc(entries, func(e jobdir.Entry) bool { return l.hasOther(&e, l.ownOf(in.Route)) })
}

// goesOn reports whether an entry that its route has failed for good has
// another one to go to.
func (l *routes) goesOn(e *jobdir.Entry) bool {
	return l.failover == FailoverFailed && l.hasOther(e, l.ownOf(int(e.Route)))
}

// hasOther reports whether a route that is not out can take an entry, has not
// failed it, and is another one.
func (l *routes) hasOther(e *jobdir.Entry, than int) bool {
	return slices.ContainsFunc(l.others(e, than), func(own *ownRoute) bool { return !own.out() })
}

// others returns the other routes that can take an entry and have not failed
// it.
func (l *routes) others(e *jobdir.Entry, than int) (others []*ownRoute) {
	t := l.targets.get(int(e.Target))
	for n, own := range l.own {
		if n != than && own.takes(t) && !own.tooLarge(e) && !l.failedBy(e, n) && own.allows(e) {
			others = append(others, own)
		}
	}
	return others
}

// elsewhereLater returns when another route may take a row of a batch that is
// not bought: its provider is down, and may be back then.
func (l *routes) elsewhereLater(in intent.Intent, entries []jobdir.Entry) (at time.Time, ok bool) {
	if l.failover == FailoverNever || l.get(in.Route).Revision == 0 {
		return at, false
	}
	for i := range entries {
		for _, own := range l.others(&entries[i], l.ownOf(in.Route)) {
			if until, down := own.service.down(); down && !own.stopped() && (!ok || until.Before(at)) {
				at, ok = until, true
			}
		}
	}
	return at, ok
}
