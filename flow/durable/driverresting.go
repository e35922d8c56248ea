package durable

import (
	"context"
	"errors"
	"sync"
)

// restingDrivers holds the parked drivers: those of batches about which a
// person has to decide, or whose provider has to answer before they are done.
// When all drivers are parked and nothing is left to buy, the run is over.
type restingDrivers struct {
	moved func() // called when one is parked

	mu     sync.Mutex
	asleep int
	end    context.Context // done once the run is over, because of errLeft
	stop   context.CancelCauseFunc
}

func newRestingDrivers() *restingDrivers {
	r := &restingDrivers{moved: func() {}}
	r.end, r.stop = context.WithCancelCause(context.Background())
	return r
}

// errLeft means that a driver leaves its batch to the next run.
var errLeft = errors.New("durable: left until a person has acted")

// park parks a driver.
func (r *restingDrivers) park() {
	r.mu.Lock()
	r.asleep++
	r.mu.Unlock()
	r.moved()
}

// unpark lets a driver go on. It returns errLeft if the run is over.
func (r *restingDrivers) unpark() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end.Err() != nil {
		return errLeft
	}
	r.asleep--
	return nil
}

// during parks a driver while it waits. The context of the wait ends once the
// run is over, and then the error is errLeft.
func (r *restingDrivers) during(ctx context.Context, wait func(context.Context) error) error {
	waiting, stop := until(ctx, r.end)
	defer stop()
	r.park()
	err := wait(waiting)
	return errors.Join(r.unpark(), err)
}

// parked returns the number of parked drivers.
func (r *restingDrivers) parked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asleep
}
