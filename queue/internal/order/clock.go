package order

import "time"

// clock tells the time in nanoseconds since 1970. It follows the monotonic
// clock, so a correction of the wall clock does not reverse arrivals. It reads
// the clock at most once after each Tick, and only when it is asked.
type clock struct {
	base  time.Time
	now   int64
	stale bool
}

func newClock() clock { return clock{base: time.Now(), stale: true} }

// Tick says that time may have passed.
func (c *clock) Tick() { c.stale = true }

func (c *clock) time() int64 {
	if c.stale {
		c.now = c.base.UnixNano() + int64(time.Since(c.base))
		c.stale = false
	}
	return c.now
}
