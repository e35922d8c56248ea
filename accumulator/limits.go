package accumulator

import (
	"fmt"
	"math"
	"time"
)

// limits are the four bounds of one batch, with "no bound" spelled out so
// that the hot path compares without asking whether a bound is set.
type limits struct {
	items, weight int
	wait, idle    time.Duration // zero means none
}

func (c Config) limits() limits {
	l := limits{items: c.MaxItems, weight: c.MaxWeight, wait: c.MaxWait, idle: c.MaxIdle}
	if l.items == 0 {
		l.items = math.MaxInt
	}
	if l.weight == 0 {
		l.weight = math.MaxInt
	}
	return l
}

// limitsFor returns the limits of a batch that an item opens. It fails with
// errNeedLimits if the key has limits of its own that are not known yet.
func (e *engine[T]) limitsFor(n itemMeta) (limits, error) {
	switch {
	case e.stage.key == nil || e.stage.cfg.PerKey == nil:
		return e.limits, nil
	case n.limits == nil:
		return limits{}, errNeedLimits
	}
	return *n.limits, nil
}

// askLimits asks the user for the limits of the item's key. It must not be
// called under a lock.
func (s *Stage[T]) askLimits(n *itemMeta) error {
	cfg := s.cfg.PerKey(n.key)
	cfg.WaitForKey = s.cfg.WaitForKey // it makes a time limit necessary
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("accumulator: limits of key %q: %w", n.key, err)
	}
	l := cfg.limits()
	n.limits = &l
	return nil
}
