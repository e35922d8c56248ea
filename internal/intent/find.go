package intent

import (
	"slices"
	"time"
)

// Terms say for how long a batch in doubt is looked for, and what follows.
type Terms struct {
	Grace  time.Duration // in which a batch that exists gets listed
	Window time.Duration // within which the provider ends it, 0 if there is no limit
	Policy Policy        // what to do while there are candidates
	// Alone says that a candidate can be nobody else's: no other intent is
	// Open, and only they create batches.
	Alone bool
}

// Policy is what becomes of an intent that is held.
type Policy string

// The policies. The zero Policy is Wait.
const (
	Wait     Policy = "wait"     // until the candidates have ended, or their window is over
	Resubmit Policy = "resubmit" // send it again, though it may be paid for twice
	Fail     Policy = "fail"     // fail its rows, though they may have been paid for
)

// maxSuspects bounds what is kept of an intent: others may have any number of
// batches.
const maxSuspects = 16

// unclear is why rows fail by policy.
var unclear = Reason{
	Class: "ambiguous", Code: "creation_unclear",
	Message: "the creation of the batch was not answered, and whether it runs cannot be told: it may have to be paid for",
}

func (e Listed) apply(i *Intent) error {
	past := func(b string) bool { return slices.Contains(i.Past, b) }
	e.Batches = slices.DeleteFunc(slices.Clone(e.Batches), past)
	e.Candidates = slices.DeleteFunc(slices.Clone(e.Candidates), past)
	switch i.State {
	case Unknown, Held:
		// Those that were bought twice are cancelled: none of them is adopted
		// after another was refused.
		e.Batches = slices.DeleteFunc(slices.Clone(e.Batches), func(b string) bool { return slices.Contains(i.Surplus, b) })
		return e.resolve(i)
	case Submitted:
		if i.Unproven && len(e.Batches) > 0 {
			i.adopt(e.Batches)
			i.Rev++
		} else if i.note(e.Batches) {
			i.Rev++
		}
		return nil
	case Committed, Rejected:
		i.note(e.Batches)
		i.Suspects = slices.Clone(e.Candidates[:min(len(e.Candidates), maxSuspects)])
		i.Swept = true
		i.Rev++
		return nil
	case Sealed, Uploaded, Creating, Ended, Fetched, Cleaned:
	}
	return i.outOfOrder(e)
}

// resolve adopts the batch, waits for it, or gives it up.
func (e Listed) resolve(i *Intent) error {
	gone := e.Window > 0 && max(e.Waited, e.Aged) >= e.Grace+e.Window
	switch {
	case len(e.Batches) > 0:
		i.adopt(e.Batches)
		return i.move(e, Submitted, i.State)
	case e.Waited < e.Grace && i.Looks == 0:
		return nil
	case e.Waited < e.Grace: // another process begins anew
		i.Looks = 0
		return i.move(e, i.State, i.State)
	case len(e.Candidates) == 0:
		return e.inVain(i)
	case len(e.Candidates) == 1 && e.Alone && !gone:
		i.Batch, i.Unproven = e.Candidates[0], true
		return i.move(e, Submitted, i.State)
	case e.Policy == Fail:
		reason := unclear
		i.Reason = &reason
		return i.move(e, Ended, i.State)
	case e.Policy == Resubmit || gone:
		return e.inVain(i)
	case i.State == Held && i.Looks == 0:
		return nil
	}
	i.Looks = 0
	return i.move(e, Held, i.State)
}

// looks is how often in a row a batch is looked for in vain before it is sent
// again. Once is not enough: what a list shows may change its order while it is
// paged through, and then it lacks what is there.
const looks = 2

// inVain lets the batch be sent again if it was looked for often enough.
func (e Listed) inVain(i *Intent) error {
	if i.Looks++; i.Looks < looks {
		return i.move(e, i.State, i.State)
	}
	return i.move(e, Uploaded, i.State)
}

// adopt makes one of the batches the intent's own: the one that it has, or else
// the first. The others were bought twice.
func (i *Intent) adopt(batches []string) {
	if !slices.Contains(batches, i.Batch) {
		i.Batch = batches[0]
	}
	i.Unproven = false
	i.note(batches)
}

// note records the batches that are not the intent's own and reports whether
// there are new ones. The slice that the caller holds is not changed.
func (i *Intent) note(batches []string) (fresh bool) {
	for _, b := range batches {
		if b != i.Batch && !slices.Contains(i.Surplus, b) {
			i.Surplus, fresh = append(slices.Clip(i.Surplus), b), true
		}
	}
	return fresh
}

func (e Proven) apply(i *Intent) error {
	if !i.Unproven {
		return i.outOfOrder(e)
	}
	i.Unproven = false
	return i.move(e, Ended, Ended)
}

func (e Disowned) apply(i *Intent) error {
	if !i.Unproven {
		return i.outOfOrder(e)
	}
	return i.disown(e, Ended)
}

// disown forgets a batch that is somebody else's, or of no use whose ever it
// is, as no row of it was run.
func (i *Intent) disown(e Event, from State) error {
	i.Batch, i.Unproven = "", false
	return i.move(e, Unknown, from)
}
