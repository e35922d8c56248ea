package intent_test

import (
	"fmt"

	"github.com/balerhq/baler/internal/intent"
)

// seal fixes the rows of a batch: on disk, in the journal, and in the store.
func (e *engine) seal(rows []entry) {
	in := intent.Intent{Tag: fmt.Sprintf("tag-%d", e.points), Rev: 1, State: intent.Sealed, Rows: len(rows)}
	e.do(func() { e.disk.bales[in.Tag] = rows })
	if e.defect == claimBeforeJournal {
		e.claim(in)
		e.do(func() { e.disk.journal = append(e.disk.journal, in) })
	} else {
		e.do(func() { e.disk.journal = append(e.disk.journal, in) })
		e.claim(in)
	}
	e.open = append(e.open, &driver{in: in, wake: e.now})
}

// claim gives the rows to the intent in two commits, the last of which records
// the intent. It may be repeated.
func (e *engine) claim(in intent.Intent) {
	rows := e.disk.bales[in.Tag]
	if len(rows) != in.Rows {
		e.fail("intent %s has lost its rows", in.Tag)
	}
	commit := func(rows []entry) {
		for _, r := range rows {
			e.put(r.item, item{state: claimed, rev: r.rev + 1, attempts: r.attempts, tag: in.Tag})
		}
	}
	e.do(func() { commit(rows[:len(rows)/2]) })
	e.do(func() {
		commit(rows[len(rows)/2:])
		e.disk.intents[in.Tag] = in
	})
}

// advance makes the state after an event durable, in the journal first.
func (e *engine) advance(d *driver, ev intent.Event) {
	next, err := intent.Apply(d.in, ev)
	if err != nil {
		e.fail("%v", err)
	}
	if next.Rev == d.in.Rev {
		return
	}
	journal := func() {
		e.disk.journal = append(e.disk.journal, next)
		over := next.State == intent.Committed || next.State == intent.Rejected
		if over && next.State != d.in.State {
			e.disk.ended[next.Tag] = e.now
		}
	}
	store := func() { e.disk.intents[next.Tag] = next }
	if e.defect == storeBeforeJournal {
		journal, store = store, journal
	}
	e.do(journal)
	e.do(store)
	d.in = next
}
