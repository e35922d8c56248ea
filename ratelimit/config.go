package ratelimit

import (
	"fmt"
	"time"
)

// Config holds the limits of one model or account. Each limit is optional: zero
// means that there is none. Where a provider limits input and output tokens
// together, use InputTokens for both.
type Config struct {
	Requests     int // per Window
	InputTokens  int // per Window
	OutputTokens int // per Window
	Slots        int // at the same time

	// Window is the time that the limits are for. Zero means one minute.
	Window time.Duration
	// Burst is how much of a limit may pass at once after a quiet time, given
	// as the time in which that much accrues. The rest is spread evenly, so
	// that burst and refill of any one Window stay within the limit. A longer
	// Burst lets more calls start together and fewer in total: Burst/Window of
	// the limit goes unused. A call dearer than the burst may exceed the limit
	// of a Window by the difference, so a usual call should fit. Burst must be
	// shorter than Window. Zero means a 60th of it.
	Burst time.Duration
	// Aging is how long a call must have waited to be level with a newcomer of
	// the next higher priority, so that no call waits for ever. Zero means 10
	// minutes. Negative means never.
	Aging time.Duration
	// Timeout is the time that Do allows a call once it may start. Zero means
	// no limit.
	Timeout time.Duration
}

// Per returns a limit of n requests per window and no other limit.
func Per(n int, window time.Duration) Config {
	return Config{Requests: n, Window: window}
}

// strict is an Aging that no wait reaches.
const strict = 100 * 365 * 24 * time.Hour

func (c Config) withDefaults() Config {
	if c.Window == 0 {
		c.Window = time.Minute
	}
	if c.Burst == 0 {
		c.Burst = c.Window / 60
	}
	switch {
	case c.Aging == 0:
		c.Aging = 10 * time.Minute
	case c.Aging < 0:
		c.Aging = strict
	}
	return c
}

// Validate reports the first field that makes no sense.
func (c Config) Validate() error {
	for _, limit := range []struct {
		name  string
		value int
	}{
		{"Requests", c.Requests},
		{"InputTokens", c.InputTokens},
		{"OutputTokens", c.OutputTokens},
		{"Slots", c.Slots},
	} {
		if limit.value < 0 {
			return fmt.Errorf("ratelimit: Config.%s is %d: must not be negative", limit.name, limit.value)
		}
	}
	switch full := c.withDefaults(); {
	case c.Window < 0:
		return fmt.Errorf("ratelimit: Config.Window is %s: must not be negative", c.Window)
	case c.Burst < 0 || full.Burst >= full.Window:
		return fmt.Errorf("ratelimit: Config.Burst is %s: must be shorter than the Window of %s", c.Burst, full.Window)
	case c.Timeout < 0:
		return fmt.Errorf("ratelimit: Config.Timeout is %s: must not be negative", c.Timeout)
	}
	return nil
}
