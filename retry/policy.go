package retry

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// The defaults of the zero Policy.
const (
	DefaultMaxAttempts = 4 // the first and three retries
	DefaultDelay       = 10 * time.Second
	DefaultFactor      = 2.0
	DefaultMaxDelay    = 2 * time.Minute
)

// Policy says how often to try and how long to wait in between. The zero Policy
// is ready to use: 3 retries after up to 10, 20 and 40 seconds. It is a plain
// value, safe to copy and to use from many goroutines.
//
// Delays have full jitter: a delay is anything from 0 to the step for that
// attempt, so that callers that failed together do not retry together. There is
// no limit on the total time. A context sets one.
type Policy struct {
	// MaxAttempts counts all calls, the first included: 1 means no retry.
	// Zero means 4.
	MaxAttempts int
	// Delay is the longest delay after the first attempt. Zero means 10 s.
	Delay time.Duration
	// Factor by which the delay grows with each further attempt, at least 1.
	// Zero means 2.
	Factor float64
	// MaxDelay is the longest delay, jitter included. Zero means 120 s, or
	// Delay if that is longer.
	MaxDelay time.Duration
	// MaxRetryAfter is the longest wait that a server may ask for. It may be
	// longer than MaxDelay. Zero means MaxRetryAfter, one hour.
	MaxRetryAfter time.Duration
	// Classify returns the class of an error. Only a Retryable one is retried.
	// Zero means ClassOf.
	Classify func(error) Class
	// Notify is called before each wait with the number of attempts so far,
	// the error of the last and the delay: in [DoBatch] those of the row that
	// waits longest. Zero means no notification.
	Notify func(attempts int, err error, delay time.Duration)
}

// Next decides about a call that failed with err after so many attempts:
// whether to retry it, and after which delay. It keeps no state, so the caller
// can persist the attempts and the time and continue after a restart.
//
// The delay is at least the one that the server asked for, see [After].
func (p Policy) Next(attempts int, err error) (delay time.Duration, again bool) {
	p = p.withDefaults()
	if attempts >= p.MaxAttempts || p.Classify(err) != Retryable {
		return 0, false
	}
	return max(jitter(p.step(attempts)), min(After(err), p.MaxRetryAfter)), true
}

// step returns the longest delay after so many attempts. It is computed in
// floating point, so that it cannot overflow before it is capped.
func (p Policy) step(attempts int) time.Duration {
	grown := float64(p.Delay) * math.Pow(p.Factor, float64(max(attempts, 1)-1))
	return time.Duration(min(grown, float64(p.MaxDelay)))
}

// jitter returns a random delay below longest.
func jitter(longest time.Duration) time.Duration {
	return rand.N(max(longest, 1))
}

// Validate reports the first field that makes no sense.
func (p Policy) Validate() error {
	switch {
	case p.MaxAttempts < 0:
		return fmt.Errorf("retry: Policy.MaxAttempts is %d: must not be negative", p.MaxAttempts)
	case p.Delay < 0:
		return fmt.Errorf("retry: Policy.Delay is %s: must not be negative", p.Delay)
	case p.Factor != 0 && !(p.Factor >= 1):
		return fmt.Errorf("retry: Policy.Factor is %v: must be at least 1", p.Factor)
	case p.MaxDelay < 0:
		return fmt.Errorf("retry: Policy.MaxDelay is %s: must not be negative", p.MaxDelay)
	case p.MaxRetryAfter < 0:
		return errors.New("retry: Policy.MaxRetryAfter must not be negative")
	}
	return nil
}

func (p Policy) withDefaults() Policy {
	p.MaxAttempts = orDefault(p.MaxAttempts, DefaultMaxAttempts)
	p.Delay = orDefault(p.Delay, DefaultDelay)
	p.Factor = orDefault(p.Factor, DefaultFactor)
	p.MaxDelay = orDefault(p.MaxDelay, max(DefaultMaxDelay, p.Delay))
	p.MaxRetryAfter = orDefault(p.MaxRetryAfter, MaxRetryAfter)
	if p.Classify == nil {
		p.Classify = ClassOf
	}
	return p
}

func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
