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

// limitsOf returns the limits of a batch with the key.
func (e *engine[T]) limitsOf(key string) (limits, error) {
	if e.stage.key == nil || e.stage.cfg.PerKey == nil {
		return e.limits, nil
	}
	cfg := e.stage.cfg.PerKey(key)
	cfg.WaitForKey = e.stage.cfg.WaitForKey // it makes a time limit necessary
	if err := cfg.Validate(); err != nil {
		return limits{}, fmt.Errorf("accumulator: limits of key %q: %w", key, err)
	}
	return cfg.limits(), nil
}
