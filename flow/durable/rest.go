package durable

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/balerhq/baler/internal/intent"
)

// rest is where the drivers of batches sleep about which a person has to decide.
// When all drivers sleep and nothing is left to buy, the run is over.
type rest struct {
	mu     sync.Mutex
	asleep int
	over   bool
	end    chan struct{} // closed once it is over
}

func newRest() *rest { return &rest{end: make(chan struct{})} }

// errLeft is why a driver leaves its batch to the next run.
var errLeft = errors.New("durable: left until a person has acted")

// lie puts a driver to sleep.
func (r *rest) lie() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asleep++
}

// rise wakes a driver, unless it is over.
func (r *rest) rise() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return errLeft
	}
	r.asleep--
	return nil
}

// leave puts a driver to sleep for good: its batch is left to the next run.
func (e *engine) leave() error {
	e.rest.lie()
	e.signal()
	return errLeft
}

// sleepers counts the drivers that sleep.
func (r *rest) sleepers() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asleep
}

// retire ends the rest if all drivers of open batches sleep, and nothing is left to
// do. From then on none wakes up.
func (e *engine) retire(nothingLeft func() bool) bool {
	r := e.rest
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over && e.inFlight() == r.asleep && nothingLeft() {
		r.over = true
		close(r.end)
	}
	return r.over
}

// retired waits until nothing is left to do for the drivers.
func (e *engine) retired(ctx context.Context) error {
	for !e.retire(func() bool { return true }) {
		select {
		case <-e.changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// awaitLook waits until it is time to download the results of a batch again, or
// somebody has decided about it. It returns errLeft if nobody has by the time that
// nothing else is left to do.
func (e *engine) awaitLook(ctx context.Context, in intent.Intent, v *evidence) (err error) {
	if v.next.IsZero() {
		return nil
	}
	if v.looks > 0 {
		v.freeSlot()
	}
	wanted, stop := e.gate.noticing(ctx)
	defer stop()
	var end <-chan struct{}
	if in.Undecided {
		end = e.rest.end
		e.rest.lie()
		e.signal()
		defer func() { err = errors.Join(e.rest.rise(), err) }()
	}
	timer := time.NewTimer(time.Until(v.next))
	defer timer.Stop()
	for {
		decided, moved := e.decisions.of(in)
		if decided != "" {
			return nil
		}
		select {
		case <-timer.C:
			return nil
		case <-moved:
		case <-end:
			return nil
		case <-wanted.Done():
			return context.Cause(wanted)
		}
	}
}
