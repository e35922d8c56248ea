package durable

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
)

// worthABatch is how many margins an item must have left for a batch to be
// worth it: the batch is cancelled when one is left.
const worthABatch = 2

// shortestPace bounds how often items are looked for that come near their
// deadline.
const shortestPace = time.Second

// validateWithin refuses margins that cannot be kept.
func (j *Job[T]) validateWithin() error {
	least := cmp.Or(j.Grace, DefaultGrace) + cmp.Or(j.Batch.MaxWait, DefaultMaxWait)
	for i, r := range j.Routes {
		switch {
		case r.Within == 0:
		case r.Within < least:
			return fmt.Errorf("durable: Job.Routes[%d].Within is %v: must be at least %v, Job.Grace and Batch.MaxWait together, "+
				"since that long it takes until it is certain which items of a cancelled batch did not run", i, r.Within, least)
		case j.Deadline == nil:
			return fmt.Errorf("durable: Job.Routes[%d].Within is about Job.Deadline, which is missing", i)
		case r.Least > 0:
			return fmt.Errorf("durable: Job.Routes[%d] has Within and Least: items near their deadline do not wait to be more", i)
		}
	}
	if !slices.ContainsFunc(j.Routes, func(r Route) bool { return r.Within == 0 }) {
		return errors.New("durable: all Job.Routes have Within: leave one for items that are not near their deadline")
	}
	return nil
}

// escalation returns the largest margin of the routes that have one.
func escalation(own []*ownRoute) (most time.Duration) {
	for _, r := range own {
		most = max(most, r.within)
	}
	return most
}

// escalationPace returns how often items are looked for that come near their
// deadline: so often that they lose a hundredth of the margin.
func (c *config) escalationPace() time.Duration { return max(c.escalation/100, shortestPace) }

// allows reports whether an item may take the route now. One that is for items
// near their deadline takes no others.
func (r *ownRoute) allows(e *jobdir.Entry) bool { return r.within == 0 || r.near(e) }

// near reports whether an item takes the route because of its deadline.
func (r *ownRoute) near(e *jobdir.Entry) bool {
	return r.within > 0 && e.Deadline != 0 && time.Until(jobdir.TimeOf(e.Deadline)) <= worthABatch*r.within
}

// byDeadline leaves the routes for items near their deadline if the entry is,
// and the others if it is not.
func (l *routes) byDeadline(fitting []int, e *jobdir.Entry) []int {
	if l.escalation == 0 {
		return fitting
	}
	takes := func(n int) bool { return l.own[n].near(e) && !l.own[n].out() }
	if slices.ContainsFunc(fitting, takes) {
		return l.without(fitting, func(n int) bool { return !takes(n) })
	}
	return l.without(fitting, func(n int) bool { return l.own[n].within > 0 })
}

// escalates reports whether an entry is so near its deadline that it leaves its
// route for another.
func (l *routes) escalates(e *jobdir.Entry) bool {
	if l.escalation == 0 || l.isEscalation(int(e.Route)) {
		return false
	}
	return slices.ContainsFunc(l.forDeadline(e), func(n int) bool { return l.own[n].near(e) && !l.own[n].out() })
}

// forDeadline returns the routes that can take an entry when it is near its
// deadline.
func (l *routes) forDeadline(e *jobdir.Entry) (found []int) {
	t := l.targets.get(int(e.Target))
	for n, own := range l.own {
		if own.within > 0 && e.Deadline != 0 && own.takes(t) && !own.tooLarge(e) && !l.failedBy(e, n) {
			found = append(found, n)
		}
	}
	return found
}

// isEscalation reports whether a batch is on a route for items near their
// deadline.
func (l *routes) isEscalation(route int) bool {
	own := l.ownOf(route)
	return own >= 0 && l.own[own].within > 0
}

// escalate gives rows that are near their deadline a route for that, and
// returns them apart from the others.
func (l *routes) escalate(rows []jobdir.Entry) (urgent, rest []jobdir.Entry, err error) {
	if !slices.ContainsFunc(rows, func(e jobdir.Entry) bool { return l.escalates(&e) }) {
		return nil, rows, nil
	}
	l.choosing.Lock()
	defer l.choosing.Unlock()
	for _, e := range rows {
		if e.Hit != nil || !l.escalates(&e) {
			rest = append(rest, e)
			continue
		}
		l.giveBack([]jobdir.Entry{e})
		if e.Route, err = l.chooseOne(&e); err != nil {
			return nil, nil, fmt.Errorf("durable: line %d: %w", e.Line, err)
		}
		urgent = append(urgent, e)
	}
	return urgent, rest, nil
}
