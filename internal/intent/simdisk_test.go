package intent_test

import (
	"maps"
	"slices"

	"github.com/balerhq/baler/internal/intent"
)

// disk is what a crash does not forget. No record is kept of an item: it is
// claimed by standing in the rows of a sealed batch, and settled by how far that
// batch is.
type disk struct {
	journal []line
	store   store               // an index of the journal, which is ahead of it by at most a line
	ready   []entry             // the queue, each at its number; good up to the store's end
	bales   map[string][]entry  // the rows of sealed batches
	results map[string][]result // of fetched batches
	output  []int               // the items that reached the user, in order
}

// line is what the journal is told: of an intent's new state, or of results.
type line struct {
	intent intent.Intent
	chunk  *chunk
}

// chunk is a part of a batch's rows that is settled at once.
type chunk struct {
	tag      string
	progress int     // rows of the batch that are settled, these included
	ended    []mark  // those that have ended
	again    []entry // those that go again, at new numbers of the queue
	output   int     // how much of the output is good
}

// store holds what can be found by key.
type store struct {
	intents    map[string]intent.Intent
	progress   map[string]int
	head, end  int // all of the queue before head is claimed; nothing is from end on
	outputMark int
}

// entry is a place in the queue: an item that was sent so many times.
type entry struct{ seq, item, attempts int }

func newDisk(items int) disk {
	d := disk{
		store:   store{intents: make(map[string]intent.Intent), progress: make(map[string]int), end: items},
		bales:   make(map[string][]entry),
		results: make(map[string][]result),
	}
	for n := range items {
		d.ready = append(d.ready, entry{seq: n, item: n})
	}
	return d
}

// put brings the store up to a line of the journal.
func (s *store) put(l line) {
	if c := l.chunk; c != nil {
		s.progress[c.tag], s.outputMark = c.progress, c.output
		s.end += len(c.again)
		return
	}
	s.intents[l.intent.Tag] = l.intent
}

// has reports whether the store is at the line, and whether it is right before.
func (s *store) has(l line) (has, before bool) {
	if c := l.chunk; c != nil {
		at := s.progress[c.tag]
		return at >= c.progress, at == c.progress-len(c.ended)-len(c.again)
	}
	rev := s.intents[l.intent.Tag].Rev
	return rev >= l.intent.Rev, rev == l.intent.Rev-1
}

// queued returns what is in the queue and in no sealed batch.
func (d *disk) queued() []entry {
	ready := slices.Clone(d.ready[d.store.head:d.store.end])
	for _, rows := range d.bales {
		ready = slices.DeleteFunc(ready, func(e entry) bool { return slices.Contains(rows, e) })
	}
	return ready
}

// rebuilt is the store as the journal alone would have it.
func (d *disk) rebuilt(items int) store {
	s := newDisk(items).store
	for _, l := range d.journal {
		s.put(l)
	}
	s.head = d.store.head
	return s
}

func (s *store) equal(o store) bool {
	same := func(a, b intent.Intent) bool { return a.Rev == b.Rev && a.State == b.State && a.Batch == b.Batch }
	return maps.EqualFunc(s.intents, o.intents, same) && maps.Equal(s.progress, o.progress) &&
		s.end == o.end && s.outputMark == o.outputMark
}
