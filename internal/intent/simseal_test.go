package intent_test

import (
	"fmt"
	"slices"

	"github.com/balerhq/baler/internal/intent"
)

// seal fixes the rows of a batch, urgent ones first: on disk, and then in the
// journal, by which they are claimed.
func (e *engine) seal() {
	var rows []entry
	for range 1 + e.IntN(min(len(e.ready), e.batch)) {
		n := e.IntN(len(e.ready))
		rows = append(rows, e.ready[n])
		e.ready = slices.Delete(e.ready, n, n+1)
	}
	in := intent.Intent{Tag: fmt.Sprintf("tag-%d", e.points), Rev: 1, State: intent.Sealed, Rows: len(rows)}
	bale := func() { e.disk.bales[in.Tag] = rows }
	if e.defect != journalBeforeBale {
		e.do(bale)
	}
	e.record(line{intent: in})
	if e.defect == journalBeforeBale {
		e.do(bale)
	}
	e.open = append(e.open, &driver{in: in, wake: e.now})
}

// record makes a line durable, in the journal first.
func (e *engine) record(l line) {
	write := func() { e.disk.journal = append(e.disk.journal, l) }
	if e.defect == storeBeforeJournal {
		e.index(l)
		e.do(write)
		return
	}
	e.do(write)
	e.index(l)
}

// index brings the store up to a line: first the queue, then all else in one
// commit.
func (e *engine) index(l line) {
	d := &e.disk
	if l.chunk != nil {
		e.do(func() { d.ready = append(d.ready[:d.store.end], l.chunk.again...) })
	}
	commit := func() {
		d.store.put(l)
		d.store.head = e.head(l)
	}
	if e.defect == endApart && l.chunk != nil {
		end := d.store.end
		e.do(func() { commit(); d.store.end = end })
		e.do(func() { d.store.end = len(d.ready) })
		return
	}
	e.do(commit)
}

// head is the first place in the queue that nobody has claimed.
func (e *engine) head(l line) int {
	if l.chunk != nil || l.intent.Rev > 1 {
		return e.disk.store.head
	}
	head := e.disk.store.end
	for _, r := range e.disk.queued() {
		head = min(head, r.seq)
	}
	return head
}

// advance makes the state after an event durable.
func (e *engine) advance(d *driver, ev intent.Event) {
	next, err := intent.Apply(d.in, ev)
	if err != nil {
		e.fail("%v", err)
	}
	if next.Rev == d.in.Rev {
		return
	}
	e.record(line{intent: next})
	d.in = next
}
