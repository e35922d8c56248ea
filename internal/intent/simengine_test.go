package intent_test

import (
	"time"

	"github.com/balerhq/baler/internal/intent"
)

const (
	account     = "acme"
	maxOpen     = 3
	maxAttempts = 4
	listSlack   = 15 * time.Minute // by which the provider's clock may differ
	maxTurns    = 20_000           // of one life, by when it must be done
)

// engine is the process: all that a crash forgets. Its drivers take turns by
// chance, since in flow/durable each is a goroutine.
type engine struct {
	*world
	open []*driver
}

// driver takes one intent to its end.
type driver struct {
	in   intent.Intent
	wake time.Time
}

func (e *engine) run() {
	e.recover()
	for range maxTurns {
		ready := e.queued()
		if len(ready) == 0 && len(e.open) == 0 {
			return
		}
		if len(ready) > 0 && len(e.open) < maxOpen && e.chance(0.5) {
			e.seal(ready[:1+e.IntN(min(len(ready), e.batch))])
			continue
		}
		e.turn()
	}
	e.fail("nothing comes to an end: %+v", e.disk.items)
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
	if !d.in.Done() {
		return
	}
	e.do(func() { delete(e.disk.bales, d.in.Tag) })
	e.open = append(e.open[:n], e.open[n+1:]...)
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

// recover brings the store up to the journal, which is ahead of it by at most
// one write, and forgets the rows of batches that were never sealed.
func (e *engine) recover() {
	known := make(map[string]bool)
	for _, in := range e.replay() {
		stored := e.disk.intents[in.Tag].Rev
		switch {
		case stored == in.Rev:
		case stored+1 != in.Rev:
			e.fail("intent %s is at %d in the journal and at %d in the store", in.Tag, in.Rev, stored)
		case in.State == intent.Sealed:
			e.claim(*in)
		default:
			e.do(func() { e.disk.intents[in.Tag] = *in })
		}
		if !in.Done() {
			e.open = append(e.open, &driver{in: *in, wake: e.now})
			known[in.Tag] = true
		}
	}
	for tag := range e.disk.bales {
		if !known[tag] {
			delete(e.disk.bales, tag)
		}
	}
}
