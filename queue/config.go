package queue

import (
	"fmt"
	"time"
)

// Config sets the numbers of a queue. The zero Config is ready to use.
type Config struct {
	// Capacity is the most items that wait inside. Push waits while the queue
	// is full. It bounds memory, and how many items a late urgent one can
	// overtake. Zero means 10,000.
	Capacity int

	// Slice is the most items that Run sends downstream at once. An item that
	// arrives late may overtake all others except those of a slice that was
	// taken already. A slice of one is the most exact. A slice of 64 passes
	// items on several times faster. Zero means 64.
	Slice int

	// Aging is for [Aged]: the head start that one level of priority gives. A
	// normal item that has waited Aging longer leaves before a high one. By
	// deadline, an item without a deadline is due Aging after its arrival. Zero
	// means one hour.
	Aging time.Duration

	// Critical and High turn a deadline into a level for [Fair] and for
	// [Config.Level]: critical when at most Critical is left, high when at most
	// High is left, otherwise normal. Zero means 24 hours and 72 hours, or the
	// other one where that is less, or more.
	Critical, High time.Duration

	// Weights is for [Fair]: the share of each tenant among those that wait in
	// the same level, at least 1. The map must not change afterwards. A missing
	// tenant has weight 1.
	Weights map[string]int
}

// Level returns the level of a deadline at the time now. It rises by itself as
// the deadline nears. An item without a deadline (the zero time) is normal.
func (c Config) Level(deadline, now time.Time) Priority {
	c = c.withDefaults()
	left := deadline.Sub(now)
	switch {
	case deadline.IsZero() || left > c.High:
		return PriorityNormal
	case left > c.Critical:
		return PriorityHigh
	default:
		return PriorityCritical
	}
}

// rises returns when a deadline leaves a level for the next one, and false if
// it never does. The defaults must be filled in.
func (c Config) rises(level Priority, deadline time.Time) (time.Time, bool) {
	switch {
	case deadline.IsZero() || level == PriorityCritical:
		return time.Time{}, false
	case level == PriorityHigh:
		return deadline.Add(-c.Critical), true
	default:
		return deadline.Add(-c.High), true
	}
}

func (c Config) withDefaults() Config {
	if c.Capacity == 0 {
		c.Capacity = 10_000
	}
	if c.Slice == 0 {
		c.Slice = 64
	}
	if c.Aging == 0 {
		c.Aging = time.Hour
	}
	if c.Critical == 0 {
		c.Critical = 24 * time.Hour
		if c.High > 0 {
			c.Critical = min(c.Critical, c.High)
		}
	}
	if c.High == 0 {
		c.High = max(72*time.Hour, c.Critical)
	}
	return c
}

// validate reports the first field that makes no sense. The defaults must be
// filled in.
func (c Config) validate() error {
	switch {
	case c.Capacity < 0:
		return fmt.Errorf("queue: Config.Capacity is %d: must not be negative", c.Capacity)
	case c.Slice < 0:
		return fmt.Errorf("queue: Config.Slice is %d: must not be negative", c.Slice)
	case c.Aging < 0:
		return fmt.Errorf("queue: Config.Aging is %v: must not be negative", c.Aging)
	case c.Critical < 0:
		return fmt.Errorf("queue: Config.Critical is %v: must not be negative", c.Critical)
	case c.High < c.Critical:
		return fmt.Errorf("queue: Config.High is %v: must not be less than Config.Critical, %v", c.High, c.Critical)
	}
	for tenant, weight := range c.Weights {
		if weight < 1 {
			return fmt.Errorf("queue: Config.Weights[%q] is %d: must be at least 1", tenant, weight)
		}
	}
	return nil
}
