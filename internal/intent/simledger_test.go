package intent_test

// mark is what the journal says of an item last.
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

// ledger follows the journal: an item is claimed by one intent at a time, and
// ends once.
func (w *world) ledger() []mark {
	items := make([]mark, w.items)
	put := func(next mark) {
		was := &items[next.entry.item]
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
	for _, l := range w.disk.told() {
		if l.chunk != nil {
			for _, m := range l.chunk.ended {
				put(m)
			}
			for _, again := range l.chunk.again {
				put(mark{queued, again, l.chunk.tag, 0})
			}
		} else if l.intent.Rev == 1 {
			for _, r := range w.disk.bales[l.intent.Tag] {
				put(mark{claimed, r, l.intent.Tag, 0})
			}
		}
	}
	return items
}
