package intent_test

import (
	"time"

	"github.com/balerhq/baler/internal/intent"
)

const (
	account     = "acme"
	maxOpen     = 3
	maxAttempts = 4
	window      = 24 * time.Hour
	listSlack   = 15 * time.Minute // by which the provider's clock may differ
	farBack     = 7 * 24 * time.Hour
	maxSuspects = 16     // that are kept of an intent
	maxTurns    = 20_000 // of one life, by when it must be done
)

// engine is the process: all that a crash forgets. Its drivers take turns by
// chance, since in flow/durable each is a goroutine.
type engine struct {
	*world
	ready []entry
	open  []*driver
	over  bool // another call has ended the run
}

// driver takes one intent to its end.
type driver struct {
	in    intent.Intent
	wake  time.Time
	doubt time.Time // since when this process knows that its creation was given up

	repeated bool // the creation was repeated, so that the batch is looked for next
	denied   bool // and was refused for good
}

func (e *engine) run() {
	e.recover()
	for range maxTurns {
		if len(e.ready) == 0 && len(e.open) == 0 {
			return
		}
		if e.over {
			panic(crashed{}) // though in order
		}
		if len(e.ready) > 0 && len(e.open) < maxOpen && e.chance(0.5) {
			e.seal()
			continue
		}
		e.turn()
	}
	e.fail("nothing comes to an end: %+v", e.disk.store)
}

// turn lets a driver make a step, or time pass until one can.
func (e *engine) turn() {
	if len(e.open) == 0 {
		return
	}
	n := e.IntN(len(e.open))
	d := e.open[n]
	if e.now.Before(d.wake) {
		e.now = e.earliest()
		return
	}
	e.step(d)
	if d.in.Done() {
		e.open = append(e.open[:n], e.open[n+1:]...)
	}
}

// earliest is when the next driver wakes, or now.
func (e *engine) earliest() time.Time {
	at := e.open[0].wake
	for _, d := range e.open {
		if d.wake.Before(at) {
			at = d.wake
		}
	}
	if at.Before(e.now) {
		return e.now
	}
	return at
}

// recover cuts off what was not recorded, brings the store up to the journal
// and collects what is open.
func (e *engine) recover() {
	e.takeBack()
	d := &e.disk
	d.ready = d.ready[:d.store.end]
	if len(d.output) < d.store.outputMark {
		e.fail("%d results were handed on, and %d recorded", len(d.output), d.store.outputMark)
	}
	e.stats["redelivered"] += len(d.output) - d.store.outputMark
	d.output = d.output[:d.store.outputMark]
	for _, l := range d.journal {
		if l.chunk == nil {
			e.redo(l)
		}
	}
	e.collect()
}

// redo brings an intent in the store up to the journal.
func (e *engine) redo(l line) {
	switch stored := e.disk.store.intents[l.intent.Tag].Rev; {
	case stored >= l.intent.Rev:
	case stored == l.intent.Rev-1:
		e.index(l)
	default:
		e.fail("the store is behind the journal by more than %+v", l)
	}
}

// takeBack tells the journal of results that are about to be cut off: others
// may be settled, and the store be lost, before they are settled again.
// (flow/durable does so by noting how much of the output is good.)
func (e *engine) takeBack() {
	d := &e.disk
	last := make(map[string]*chunk)
	for _, l := range d.journal {
		if l.chunk != nil {
			last[l.chunk.tag] = l.chunk
		}
	}
	for tag, c := range last {
		if at := d.store.progress[tag]; at < c.until && e.defect != neverTakeBack {
			e.do(func() {
				d.journal = append(d.journal, line{chunk: &chunk{tag: tag, from: at, until: at, output: d.store.outputMark}})
			})
		}
	}
}

// collect finds the open intents, in the order in which they were sealed, and
// removes the rows of those that never were.
func (e *engine) collect() {
	d := &e.disk
	for _, l := range d.journal {
		if in := d.store.intents[l.intent.Tag]; l.intent.Rev == 1 && !in.Done() {
			e.open = append(e.open, &driver{in: in, wake: e.now})
			if len(d.bales[in.Tag]) != in.Rows {
				e.fail("batch %s has lost its rows", in.Tag)
			}
		}
	}
	for tag := range d.bales {
		if _, sealed := d.store.intents[tag]; !sealed {
			delete(d.bales, tag)
		}
	}
	e.ready = d.queued()
}
