package intent_test

import (
	"time"

	"github.com/balerhq/baler/internal/intent"
)

// list looks for batches of the tag, by it or among all that it could be.
func (e *engine) list(d *driver) {
	listed := intent.Listed{Now: e.now}
	var shown []*batch
	e.do(func() {
		e.looked[d.in.Tag] = e.now
		shown = e.provider.list(d.in.Since.Add(-listSlack))
	})
	for _, b := range shown {
		if d.in.Refusals > 0 && b.refused && e.provider.ended(b) {
			continue // as the provider says
		}
		switch e.whose(b, d.in) {
		case ours:
			listed.Batches = append(listed.Batches, b.id)
		case open:
			listed.Candidates = append(listed.Candidates, b.id)
		case others:
		}
	}
	e.pass(e.upTo(30 * time.Second))
	listed.Terms = intent.Terms{Grace: e.grace, Window: window, Policy: e.policy, Alone: e.alone(d.in)}
	switch {
	case e.defect == neverSweep && !d.in.Open():
		listed.Batches = nil
	case e.defect == ignoreCandidates:
		listed.Candidates = nil
	}
	e.advance(d, listed)
}

type owner int

const (
	ours owner = iota
	open
	others
)

// whose says to whom a batch belongs, as far as can be seen.
func (e *engine) whose(b *batch, in intent.Intent) owner {
	switch {
	case !e.untagged && b.tag == in.Tag:
		return ours
	case !e.untagged, len(b.rows) != in.Rows, e.known(b.id):
		return others
	case !e.provider.ended(b):
		return e.candidate(b, in)
	case b.tag == in.Tag, e.defect == adoptEnded:
		return ours
	}
	return others
}

// candidate says whether a batch was made when the intent's was, if it was.
func (e *engine) candidate(b *batch, in intent.Intent) owner {
	slack := listSlack
	if e.defect == trustClock {
		slack = 0
	}
	if in.Open() && e.provider.created(b).After(in.Appears(e.grace).Add(slack)) {
		return others
	}
	return open
}

// known reports whether the batch is an intent's.
func (e *engine) known(id string) bool {
	for _, in := range e.disk.store.intents {
		if in.Owns(id) {
			return true
		}
	}
	return false
}

// alone reports whether a candidate can be nobody else's.
func (e *engine) alone(in intent.Intent) bool {
	for _, o := range e.disk.store.intents {
		if o.Tag != in.Tag && o.Open() {
			return false
		}
	}
	return e.exclusive
}

// prove looks whose rows a batch has that was adopted unproven.
func (e *engine) prove(d *driver) {
	var tag string
	e.do(func() { tag = e.provider.get(d.in.Batch).tag })
	if tag == d.in.Tag || e.defect == neverProve {
		e.advance(d, intent.Proven{})
		return
	}
	e.stats["disowned"]++
	e.advance(d, intent.Disowned{})
}
