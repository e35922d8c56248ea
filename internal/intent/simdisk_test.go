package intent_test

import (
	"time"

	"github.com/balerhq/baler/internal/intent"
)

// disk is what a crash does not forget: the journal, the store, and files.
type disk struct {
	journal []intent.Intent

	intents  map[string]intent.Intent
	items    []item
	progress map[string]int // rows of a batch that are settled

	bales     map[string][]entry // the rows of sealed batches
	results   map[string][]outcome
	delivered []int                // times that each item's result reached the user
	ended     map[string]time.Time // when a batch was committed or rejected
}

type itemState int

const (
	queued itemState = iota
	claimed
	done
)

// item is the store's record of an item.
type item struct {
	state    itemState
	rev      int
	attempts int
	tag      string // of the intent that has claimed or settled it
	end      rowEnd
}

// entry is a row of a bale: an item as it was when the batch was sealed.
type entry struct{ item, rev, attempts int }

func newDisk(items int) disk {
	return disk{
		intents: make(map[string]intent.Intent), items: make([]item, items), progress: make(map[string]int),
		bales: make(map[string][]entry), results: make(map[string][]outcome),
		delivered: make([]int, items), ended: make(map[string]time.Time),
	}
}

// put writes an item's record. Records only move forward, and the end of an
// item is written once.
func (w *world) put(n int, next item) {
	was := w.disk.items[n]
	switch {
	case was.state == done:
		w.fail("item %d is recorded twice: by %s and by %s", n, was.tag, next.tag)
	case next.rev < was.rev, next.rev == was.rev && next != was:
		w.fail("item %d goes back from %+v to %+v", n, was, next)
	case next.state == claimed && was.state == claimed && next.tag != was.tag:
		w.fail("item %d is claimed by %s and by %s", n, was.tag, next.tag)
	}
	w.disk.items[n] = next
}

func (w *world) queued() []entry {
	ready := make([]entry, 0, w.items)
	for n, it := range w.disk.items {
		if it.state == queued {
			ready = append(ready, entry{n, it.rev, it.attempts})
		}
	}
	return ready
}

// replay returns the last state of every intent in the journal, in the order in
// which they were sealed.
func (w *world) replay() []*intent.Intent {
	var all []*intent.Intent
	last := make(map[string]*intent.Intent)
	for n := range w.disk.journal {
		in := &w.disk.journal[n]
		was := last[in.Tag]
		if was == nil {
			was = &intent.Intent{}
			last[in.Tag] = was
			all = append(all, was)
		}
		if in.Rev != was.Rev+1 {
			w.fail("intent %s is at revision %d after %d in the journal", in.Tag, in.Rev, was.Rev)
		}
		*was = *in
	}
	return all
}
