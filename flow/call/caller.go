// Package call makes live calls: paced by a limiter, kept away from a server
// that is down, bounded in time, and retried if that does no harm.
//
//	server, err := call.New(call.Config{Rate: ratelimit.Per(600, time.Minute)})
//	...
//	err = server.Do(ctx, func(ctx context.Context) error { return client.Send(ctx, mail) })
//
// The error of a call decides what happens: see the classes of package retry.
// One without a class is Permanent, or Ambiguous if the network failed or the
// time was over, and neither is retried; with [Config.Repeat] the latter is. So
// a client reads its replies with [retry.HTTP] or another [retry.Grammar], and
// its broken connections with [retry.Transport]: see the example of [Value].
//
// [Caller.Do] and [Value] are for single calls, [Map] is a stage of them, and
// [Batches] a stage that sends batches and has a result for each of their
// items.
package call

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
)

// Caller makes the calls to one server. It is safe for concurrent use, runs no
// goroutine and needs no closing. Make it with [New].
type Caller struct {
	c       Config
	policy  retry.Policy
	limiter *ratelimit.Limiter
	breaker *retry.Breaker

	made, succeeded, failed, waiting atomic.Int64
}

// Stats is what a [Caller] has done so far, and does now.
type Stats struct {
	Made      int64 // attempts, each of which was a call
	Succeeded int64 // calls, or batches, whose last attempt returned nil
	Failed    int64 // calls, or batches, that were given up
	Waiting   int   // attempts that wait for the limits, or for a server that is down
	Down      bool  // whether the server counts as down
}

// New returns a Caller, or an error that names the wrong field of c.
func New(c Config) (*Caller, error) {
	c = c.withDefaults()
	if err := c.Retry.Validate(); err != nil {
		return nil, fmt.Errorf("call: %w", err)
	}
	limiter, err := ratelimit.NewLimiter(c.Rate)
	if err != nil {
		return nil, fmt.Errorf("call: %w", err)
	}
	breaker, err := retry.NewBreaker(c.Name, c.Breaker)
	if err != nil {
		return nil, fmt.Errorf("call: %w", err)
	}
	return &Caller{c: c, policy: c.policy(), limiter: limiter, breaker: breaker}, nil
}

var errZero = errors.New("call: a zero Caller has no limits: make it with New")

// Limiter returns the limiter of the calls, for what replies say is left, see
// [ratelimit.Limiter.Observe].
func (c *Caller) Limiter() *ratelimit.Limiter { return c.limiter }

// Stats returns what the Caller has done. It may be called at any time.
func (c *Caller) Stats() Stats {
	if c.breaker == nil {
		return Stats{}
	}
	return Stats{
		Made: c.made.Load(), Succeeded: c.succeeded.Load(), Failed: c.failed.Load(),
		Waiting: int(c.waiting.Load()), Down: c.breaker.IsOpen(),
	}
}

// String names the Caller, and stages that call it, after the server.
func (c *Caller) String() string { return "call " + c.c.Name }

// one is the cost of a call that no Cost was given for.
var one = ratelimit.Cost{Requests: 1, Slots: 1}

// Do makes a call until it succeeds or is given up. It returns nil or an error
// that wraps the last one of call. The context of call ends after Rate.Timeout.
// When ctx ends, Do returns at once if it waits, and otherwise when call does.
func (c *Caller) Do(ctx context.Context, call func(context.Context) error) error {
	return c.DoCost(ctx, one, func(ctx context.Context) (ratelimit.Cost, error) { return one, call(ctx) })
}

// DoCost is Do for a call with a cost. Call returns what it has used, as in
// [ratelimit.Limiter.Do].
func (c *Caller) DoCost(ctx context.Context, cost ratelimit.Cost, call func(context.Context) (used ratelimit.Cost, err error)) error {
	if c.breaker == nil {
		return errZero
	}
	return c.count(c.policy.Do(ctx, func(ctx context.Context) error { return c.attempt(ctx, cost, call) }))
}

// Value is [Caller.Do] for a call with a result. It returns the last result of
// call, also together with an error.
func Value[T any](ctx context.Context, c *Caller, call func(context.Context) (T, error)) (T, error) {
	var value T
	err := c.Do(ctx, func(ctx context.Context) (err error) {
		value, err = call(ctx)
		return err
	})
	return value, err
}

func (c *Caller) count(err error) error {
	if err == nil {
		c.succeeded.Add(1)
	} else {
		c.failed.Add(1)
	}
	return err
}

// minPause is how long a call waits at least before it looks again whether the
// server is back: another one is trying that.
const minPause = 100 * time.Millisecond

// attempt makes one call. While the server is down it waits, which is no
// attempt.
func (c *Caller) attempt(ctx context.Context, cost ratelimit.Cost, call func(context.Context) (ratelimit.Cost, error)) error {
	for {
		err := c.once(ctx, cost, call)
		if c.c.FailFast || !isOpen(err) {
			return err
		}
		c.waiting.Add(1)
		slept := sleep(ctx, max(retry.After(err), minPause))
		c.waiting.Add(-1)
		if !slept {
			return retry.Mark(fmt.Errorf("call: %w; %w", context.Cause(ctx), err), retry.Retryable)
		}
	}
}

// once makes one call unless the server is down, once the limits allow it.
func (c *Caller) once(ctx context.Context, cost ratelimit.Cost, call func(context.Context) (ratelimit.Cost, error)) error {
	c.waiting.Add(1)
	err := c.limiter.Wait(ctx, cost)
	c.waiting.Add(-1)
	if err != nil {
		return retry.Mark(err, retry.Retryable) // it was not made
	}
	used := ratelimit.Cost{} // of a call that is not made
	defer func() {
		used.Slots = 0
		c.limiter.Settle(cost, used)
	}()
	return c.breaker.Do(ctx, func(ctx context.Context) error {
		c.made.Add(1)
		used = cost // also if call panics
		actual, err := c.within(ctx, call)
		if err == nil || actual != (ratelimit.Cost{}) {
			used = actual
		}
		if tooMany(err) {
			c.limiter.Penalize(time.Now().Add(retry.After(err)))
		}
		return err
	})
}

// within makes one call in its time.
func (c *Caller) within(ctx context.Context, call func(context.Context) (ratelimit.Cost, error)) (ratelimit.Cost, error) {
	after := c.c.Rate.Timeout
	ctx, cancel := context.WithTimeoutCause(ctx, after, &ratelimit.TimeoutError{After: after})
	defer cancel()
	return call(ctx)
}

func isOpen(err error) bool { return errors.Is(err, retry.ErrOpen) }

func tooMany(err error) bool {
	e, ok := errors.AsType[*retry.Error](err)
	return ok && e.Status == http.StatusTooManyRequests
}

// sleep waits for d and reports true, unless ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
