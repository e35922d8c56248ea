package intent_test

import (
	"time"

	"github.com/balerhq/baler/internal/intent"
)

// list looks for batches of the tag, by it or among all that it could be.
func (e *engine) list(d *driver) {
	if d.doubt.IsZero() { // an earlier process has given it up, nobody knows when
		d.doubt = e.now
	}
	listed := intent.Listed{Waited: e.now.Sub(d.doubt)}
	if e.defect == trustWallClock {
		listed.Waited = e.wall().Sub(d.in.Deadline)
	}
	var shown []*batch
	if !e.call(func() {
		e.looked[d.in.Tag] = e.now
		shown = e.provider.list(d.in.Tag, e.since(d.in, listed.Waited))
	}) {
		return
	}
	for _, b := range shown {
		if (d.in.Refusals > 0 || e.repeats) && b.refused && e.provider.ended(b) {
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
	if again := d.in.State == intent.Unknown && len(listed.Batches) == 0 && listed.Waited >= e.grace; again && e.defect == lookOnce && !e.untagged && d.in.Looks == 0 {
		e.advance(d, listed)
	}
	e.advance(d, listed)
}

// since is from when on batches are asked for: from long before if that decides
// something, as the clock may have been ahead when ours was sent.
func (e *engine) since(in intent.Intent, waited time.Duration) time.Time {
	decides := in.Decides(e.grace, waited)
	since := in.Since
	if now := e.wall(); now.Before(since) {
		since = now
	}
	if decides && e.defect != lookAheadOnly {
		since = since.Add(-farBack)
	}
	return since.Add(-listSlack)
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
	if !e.call(func() { tag = e.provider.get(d.in.Batch).tag }) {
		return
	}
	if tag == d.in.Tag || e.defect == neverProve {
		e.advance(d, intent.Proven{})
		return
	}
	e.stats["disowned"]++
	e.advance(d, intent.Disowned{})
}
