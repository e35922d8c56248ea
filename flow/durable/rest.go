package durable

import (
	"errors"
	"sync"
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

// sleepers counts the drivers that sleep.
func (r *rest) sleepers() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asleep
}
