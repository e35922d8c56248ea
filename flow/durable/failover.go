package durable

import (
	"fmt"

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
	// account is blocked. Job.Choose then sees only routes that are not out.
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
	left := l.without(fitting, func(n int) bool { return l.failedBy(e, n) })
	if l.failover == FailoverNever {
		return left
	}
	return l.without(left, func(n int) bool { return l.own[n].service.blocked() != nil })
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
	for _, t := range e.Tries {
		if t.Code != "" && l.ownOf(int(t.Route)) == own {
			return true
		}
	}
	return false
}

// elsewhere reports whether another route can take the rows of a batch that is
// not bought, because they are chats and its account is not blocked.
func (l *routes) elsewhere(in intent.Intent) bool {
	if l.failover == FailoverNever || l.get(in.Route).Revision == 0 {
		return false
	}
	for _, own := range l.own {
		if own.service.info.Codec != nil && own.service.blocked() == nil {
			return true
		}
	}
	return false
}

// goesOn reports whether an entry that its route has failed for good has
// another one to go to.
func (l *routes) goesOn(e *jobdir.Entry) bool {
	if l.failover != FailoverFailed {
		return false
	}
	t, now := l.targets.get(int(e.Target)), l.ownOf(int(e.Route))
	for n, own := range l.own {
		if n != now && own.takes(t) && !own.tooLarge(e) && !l.failedBy(e, n) && own.service.blocked() == nil {
			return true
		}
	}
	return false
}
