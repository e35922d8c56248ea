package durable

import (
	"cmp"
	"time"

	"github.com/balerhq/baler/ratelimit"
)

// createLimit fills in what a job leaves open of its Creates. A limit that is not
// given does not vanish because another one is.
func createLimit(c ratelimit.Config) ratelimit.Config {
	if c.Requests != 0 {
		return c
	}
	c.Window = cmp.Or(c.Window, time.Hour)
	c.Burst = cmp.Or(c.Burst, c.Window/6)
	c.Requests = per(DefaultCreatesPerHour, time.Hour, c.Window)
	return c
}

// pollLimit is the same for Polls.
func pollLimit(c ratelimit.Config) ratelimit.Config {
	c.Window = cmp.Or(c.Window, time.Minute)
	c.Requests = cmp.Or(c.Requests, per(DefaultPollsPerMinute, time.Minute, c.Window))
	c.Slots = cmp.Or(c.Slots, DefaultPollsAtOnce)
	return c
}

// per is what n in a span comes to in another one, and at least 1.
func per(n int, span, other time.Duration) int {
	return max(int(float64(n)*other.Seconds()/span.Seconds()), 1)
}
