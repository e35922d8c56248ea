package intent_test

// mark is what the journal has said of an item last.
type mark struct {
	state itemState
	entry entry  // its place in the queue
	tag   string // of the intent that has claimed or settled it
	end   rowEnd
}

type itemState int

const (
	queued itemState = iota
	claimed
	done
)

// write appends a line to the journal. The ledger follows it: an item is
// claimed by one intent at a time, and ends once.
func (w *world) write(l line) {
	w.disk.journal = append(w.disk.journal, l)
	if l.chunk != nil {
		w.settled(*l.chunk)
		return
	}
	if in := l.intent; in.Rev == 1 {
		for _, r := range w.disk.bales[in.Tag] {
			w.transition(mark{claimed, r, in.Tag, 0})
		}
	}
}

func (w *world) settled(c chunk) {
	for _, m := range c.ended {
		w.transition(m)
	}
	for _, again := range c.again {
		w.transition(mark{queued, again, c.tag, 0})
	}
}

// transition is what happens to an item.
func (w *world) transition(next mark) {
	was := &w.ledger[next.entry.item]
	switch {
	case was.state == done:
		w.fail("item %d is recorded twice: %+v and %+v", next.entry.item, *was, next)
	case next.state == claimed && was.state != queued:
		w.fail("item %d is claimed twice: %+v and %+v", next.entry.item, *was, next)
	case next.state != claimed && (was.state != claimed || was.tag != next.tag):
		w.fail("item %d is settled by somebody who has not claimed it: %+v and %+v", next.entry.item, *was, next)
	}
	*was = next
}
