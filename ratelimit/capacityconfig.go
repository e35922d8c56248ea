package ratelimit

import (
	"fmt"
	"time"
)

// CapacityConfig sets the limit of each lane. The zero value does not limit.
type CapacityConfig struct {
	// Limits are the lanes' limits by name, such as "openai/gpt-5.4-mini". A
	// zero field of a Load does not limit.
	Limits map[string]Load
	// Fallback is the limit of each lane that Limits does not name.
	Fallback Load
	// Store is shared by all runs on the same account. Zero means memory, for a
	// single run whose reservations end with its process.
	Store Store
	// Poll is how often a waiting Reserve reads the Store for releases by other
	// runs. It sees the releases of this Capacity at once. Zero means 10 s.
	Poll time.Duration
}

func (c CapacityConfig) validate() error {
	for name, limit := range c.Limits {
		if err := limit.check(); err != nil {
			return fmt.Errorf("ratelimit: CapacityConfig.Limits[%q]: %w", name, err)
		}
	}
	if err := c.Fallback.check(); err != nil {
		return fmt.Errorf("ratelimit: CapacityConfig.Fallback: %w", err)
	}
	if c.Poll < 0 {
		return fmt.Errorf("ratelimit: CapacityConfig.Poll is %s: must not be negative", c.Poll)
	}
	return nil
}
