package simulator

import (
	"fmt"
	"slices"
	"sync"

	"github.com/balerhq/baler/sink/simulator/internal/chance"
)

// hits reports whether the n-th request of the route is hit, if hit others
// were before it.
func (f Fault) hits(n, hit int, seed uint64) bool {
	times := f.Times
	if times == 0 && f.Probability == 0 {
		times = 1
	}
	if n < f.From || (times > 0 && hit >= times) {
		return false
	}
	return f.Probability == 0 || chance.Of(seed, fmt.Sprint(f.Route, f.Action, n), nil) < f.Probability
}

// An injector decides which request meets which fault.
type injector struct {
	seed uint64

	mu      sync.Mutex
	faults  []Fault
	matched []int // requests of each fault's route
	hit     []int // requests each fault acted upon
}

func newInjector(seed uint64, faults []Fault) *injector {
	in := &injector{seed: seed}
	in.set(faults)
	return in
}

// set replaces the faults; counting starts again.
func (in *injector) set(faults []Fault) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.faults = slices.Clone(faults)
	in.matched, in.hit = make([]int, len(faults)), make([]int, len(faults))
}

// next counts a request of the route and returns the fault it meets, nil for
// none.
func (in *injector) next(route string) *Fault {
	in.mu.Lock()
	defer in.mu.Unlock()
	var met *Fault
	for i := range in.faults {
		f := &in.faults[i]
		if f.Route != "" && f.Route != route {
			continue
		}
		in.matched[i]++
		if met == nil && f.hits(in.matched[i], in.hit[i], in.seed) {
			in.hit[i]++
			met = f
		}
	}
	return met
}

// SetFaults replaces the faults. Each starts counting requests at once.
func (s *Simulator) SetFaults(faults ...Fault) error {
	if err := validateFaults(s.cfg.routes(s.protocols), faults); err != nil {
		return err
	}
	s.faults.set(faults)
	return nil
}
