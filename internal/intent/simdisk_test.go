package intent_test

import (
	"maps"
	"slices"

	"github.com/balerhq/baler/internal/intent"
)

// disk is what a crash does not forget. No record is kept of an item: it is
// claimed by standing in the rows of a sealed batch, and settled by how far
// that batch is.
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

// chunk is a part of a batch's rows that is settled at once. One that begins
// where an earlier one did replaces it.
type chunk struct {
	tag         string
	from, until int     // rows of the batch
	ended       []mark  // those that have ended
	again       []entry // those that go again, at new numbers of the queue
	output      int     // how much of the output is good
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
		s.progress[c.tag], s.outputMark = c.until, c.output
		s.end += len(c.again)
		return
	}
	s.intents[l.intent.Tag] = l.intent
}

func (s *store) equal(o store) bool {
	same := func(a, b intent.Intent) bool { return a.Rev == b.Rev && a.State == b.State && a.Batch == b.Batch }
	return maps.EqualFunc(s.intents, o.intents, same) && maps.Equal(s.progress, o.progress) &&
		s.end == o.end && s.outputMark == o.outputMark
}

// queued returns what is in the queue and in no sealed batch.
func (d *disk) queued() []entry {
	ready := slices.Clone(d.ready[d.store.head:d.store.end])
	for _, rows := range d.bales {
		ready = slices.DeleteFunc(ready, func(e entry) bool { return slices.Contains(rows, e) })
	}
	return ready
}

// rebuilt is the disk as the journal and the rows make it, if all else but the
// results and the output is lost.
func (d *disk) rebuilt(items int) disk {
	made := newDisk(items)
	for _, l := range d.told() {
		made.store.put(l)
		if l.chunk != nil {
			made.ready = append(made.ready, l.chunk.again...)
		}
	}
	made.journal, made.bales, made.results, made.output = d.journal, d.bales, d.results, d.output
	return made
}

// told is the journal without what was replaced.
func (d *disk) told() []line {
	lines := make([]line, 0, len(d.journal))
	for _, l := range d.journal {
		if c := l.chunk; c != nil {
			lines = slices.DeleteFunc(lines, func(o line) bool {
				return o.chunk != nil && o.chunk.tag == c.tag && o.chunk.from >= c.from
			})
		}
		lines = append(lines, l)
	}
	return lines
}
