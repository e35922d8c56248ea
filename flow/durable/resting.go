package durable

import (
	"errors"
	"sync"
)

// restingDrivers is where the drivers of batches sleep about which a person has to decide.
// When all drivers sleep and nothing is left to buy, the run is over.
type restingDrivers struct {
	mu     sync.Mutex
	asleep int
	over   bool
	end    chan struct{} // closed once it is over
}

func newRestingDrivers() *restingDrivers { return &restingDrivers{end: make(chan struct{})} }

// errLeft is why a driver leaves its batch to the next run.
var errLeft = errors.New("durable: left until a person has acted")

// park puts a driver to sleep.
func (r *restingDrivers) park() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asleep++
}

// unpark wakes a driver, unless it is over.
func (r *restingDrivers) unpark() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return errLeft
	}
	r.asleep--
	return nil
}

// parked counts the drivers that sleep.
func (r *restingDrivers) parked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asleep
}
