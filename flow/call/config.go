package call

import (
	"cmp"
	"time"

	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
)

// The defaults of a [Config].
const (
	DefaultSlots    = 16
	DefaultTimeout  = 30 * time.Second
	DefaultDelay    = 500 * time.Millisecond
	DefaultMaxDelay = 10 * time.Second
	DefaultCooldown = 10 * time.Second
)

// Config says how a [Caller] makes calls. The zero value is ready to use.
type Config struct {
	// Name is the server's in errors of the breaker. Zero means "server".
	Name string
	// Rate limits the calls of all users of the Caller together. Zero Slots
	// means DefaultSlots calls at a time. Timeout bounds one attempt, not
	// counting the wait before it; zero means DefaultTimeout.
	Rate ratelimit.Config
	// Breaker says when the server counts as down. Attempts that run out of
	// Rate.Timeout count, those that their callers end do not: see
	// [retry.Breaker]. Zero Cooldown means DefaultCooldown.
	Breaker retry.BreakerConfig
	// Retry says how often a call is made, and the delays in between. Zero
	// Delay and MaxDelay mean DefaultDelay and DefaultMaxDelay. The other zero
	// fields have the defaults of [retry.Policy].
	Retry retry.Policy
	// Repeat says that a call may be made again although it may have happened:
	// one that reads, or that the server knows by a key. Without it a call
	// whose reply was lost, or came too late, is not retried.
	Repeat bool
	// FailFast makes calls fail at once with [retry.ErrOpen] while the server
	// is down, as a server of your own wants it. Without it they wait.
	FailFast bool
}

func (c Config) withDefaults() Config {
	c.Name = cmp.Or(c.Name, "server")
	c.Rate.Slots = cmp.Or(c.Rate.Slots, DefaultSlots)
	c.Rate.Timeout = cmp.Or(c.Rate.Timeout, DefaultTimeout)
	c.Breaker.Cooldown = cmp.Or(c.Breaker.Cooldown, DefaultCooldown)
	c.Retry.Delay = cmp.Or(c.Retry.Delay, DefaultDelay)
	c.Retry.MaxDelay = cmp.Or(c.Retry.MaxDelay, max(DefaultMaxDelay, c.Retry.Delay))
	if c.Retry.Classify == nil {
		c.Retry.Classify = retry.ClassOf
	}
	return c
}

// policy returns the policy of a Caller: which calls it repeats.
func (c Config) policy() retry.Policy {
	p := c.Retry
	p.Classify = func(err error) retry.Class {
		class := c.Retry.Classify(err)
		switch {
		case c.FailFast && isOpen(err):
			return retry.Permanent // for this call, not for the next
		case c.Repeat && class == retry.Ambiguous:
			return retry.Retryable
		}
		return class
	}
	return p
}
