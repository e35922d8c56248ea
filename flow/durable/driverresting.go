package durable

import (
	"errors"
	"sync"
)

// restingDrivers holds the parked drivers: those of batches about which a
// person has to decide. When all drivers are parked and nothing is left to buy,
// the run is over.
type restingDrivers struct {
	mu     sync.Mutex
	asleep int
	over   bool
	end    chan struct{} // closed once it is over
}

func newRestingDrivers() *restingDrivers { return &restingDrivers{end: make(chan struct{})} }

// errLeft means that a driver leaves its batch to the next run.
var errLeft = errors.New("durable: left until a person has acted")

// park parks a driver.
func (r *restingDrivers) park() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asleep++
}

// unpark lets a driver go on. It returns errLeft if the run is over.
func (r *restingDrivers) unpark() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return errLeft
	}
	r.asleep--
	return nil
}

// parked returns the number of parked drivers.
func (r *restingDrivers) parked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asleep
}
