package retry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
)

// ErrOpen is the cause of errors of a [Breaker] that lets no call through.
var ErrOpen = errors.New("circuit breaker is open")

// errPanicked is the outcome of a call that never returned.
var errPanicked = Mark(errors.New("call panicked"), Retryable)

// BreakerConfig says when a [Breaker] opens. The zero value is ready to use.
type BreakerConfig struct {
	// Failures in a row open the breaker. Zero means 5.
	Failures int
	// Cooldown is how long it stays open before one call may try again. Zero
	// means one minute.
	Cooldown time.Duration
	// OnChange is called after each opening and closing, by one goroutine of
	// many, and may call the breaker. Zero means no notification.
	OnChange func(provider string, open bool)
}

// Breaker keeps calls away from a provider that is down. After some failures in
// a row it fails all calls at once. After a cooldown one call tries whether the
// provider is back. A Breaker is safe for concurrent use. The zero Breaker has
// the defaults of [BreakerConfig] and no name; [NewBreaker] makes others.
//
// A provider is down if calls to it are Retryable or Ambiguous, except for HTTP
// 429, which is the business of a rate limiter. A provider that refuses, with a
// Permanent or Blocked error, is up.
//
// A call that its caller cancels does not count. Nor does one that ends because
// the deadline of its caller passes, since that may have been too short, unless
// the call has run longer than calls that succeeded lately: then the provider
// hangs. A timeout that the call itself sets counts in any case. So a call
// should set one that suits the provider, as those of flow/call do.
type Breaker struct {
	provider string
	cfg      BreakerConfig
	steps    *gobreaker.TwoStepCircuitBreaker[struct{}] // see allow
	once     sync.Once

	mu      sync.Mutex
	retryAt time.Time
	changes []bool        // without a call of OnChange yet
	usual   time.Duration // the most that calls took which succeeded lately; 0 if none has
}

// NewBreaker returns a closed breaker for one provider, or an error that names
// the wrong field of c.
func NewBreaker(provider string, c BreakerConfig) (*Breaker, error) {
	switch {
	case c.Failures < 0:
		return nil, fmt.Errorf("retry: BreakerConfig.Failures is %d: must not be negative", c.Failures)
	case c.Cooldown < 0:
		return nil, fmt.Errorf("retry: BreakerConfig.Cooldown is %s: must not be negative", c.Cooldown)
	}
	return &Breaker{provider: provider, cfg: c}, nil
}

// init comes late, so that a zero Breaker works.
func (b *Breaker) init() {
	c := &b.cfg
	c.Failures = orDefault(c.Failures, 5)
	c.Cooldown = orDefault(c.Cooldown, time.Minute)
	b.steps = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:       c.Cooldown,
		ReadyToTrip:   func(n gobreaker.Counts) bool { return int(n.ConsecutiveFailures) >= c.Failures },
		IsSuccessful:  func(err error) bool { return !isOutage(err) },
		IsExcluded:    func(err error) bool { return errors.Is(err, context.Canceled) || isTooMany(err) },
		OnStateChange: b.changed,
	})
}

// allow asks whether a call may pass. Done takes its outcome.
func (b *Breaker) allow() (done func(error), err error) {
	b.once.Do(b.init)
	return b.steps.Allow()
}

func isOutage(err error) bool {
	class := ClassOf(err)
	return class == Retryable || class == Ambiguous
}

func isTooMany(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusTooManyRequests
}

// Do runs call and returns its error. While the breaker is open, Do does not
// run call. It then returns a Retryable error that wraps [ErrOpen] and whose
// RetryAfter is the rest of the cooldown, which a [Policy] around it obeys.
func (b *Breaker) Do(ctx context.Context, call func(context.Context) error) error {
	done, err := b.allow()
	b.notify()
	if err != nil {
		return b.open()
	}
	err = errPanicked // unless call returns
	began := time.Now()
	defer func() {
		done(b.outcome(ctx, err, time.Since(began)))
		b.notify()
	}()
	err = call(ctx)
	return err
}

// outcome returns what counts of the err of a call that took so long. The
// cause of a ctx that has ended says nothing about the provider.
func (b *Breaker) outcome(ctx context.Context, err error, took time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil:
		b.usual = max(took, b.usual-b.usual/usualFades)
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case ctx.Err() != nil && (b.usual == 0 || took <= b.usual):
		return context.Canceled // by a deadline that says nothing either
	}
	return own(ctx, err)
}

// usualFades is how many calls have to succeed until most of what a slow one
// took is forgotten.
const usualFades = 64

// IsOpen reports whether the provider counts as down: a call fails at once, or
// is the one that tries whether the provider is back.
func (b *Breaker) IsOpen() bool {
	b.once.Do(b.init)
	return b.steps.State() != gobreaker.StateClosed
}

func (b *Breaker) open() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return &Error{
		Class:      Retryable,
		Message:    b.provider,
		RetryAfter: max(time.Until(b.retryAt), 0),
		Err:        ErrOpen,
	}
}

// changed runs under the lock of gobreaker, where a hook that calls the breaker
// would block for ever. So it only records the change.
func (b *Breaker) changed(_ string, from, to gobreaker.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch to {
	case gobreaker.StateOpen:
		b.retryAt = time.Now().Add(b.cfg.Cooldown + 1) // a trial is let through after the cooldown, not at its end
		if from == gobreaker.StateClosed {
			b.changes = append(b.changes, true)
		}
	case gobreaker.StateClosed:
		b.changes = append(b.changes, false)
	case gobreaker.StateHalfOpen:
	}
}

func (b *Breaker) notify() {
	b.mu.Lock()
	changes := b.changes
	b.changes = nil
	b.mu.Unlock()
	if b.cfg.OnChange == nil {
		return
	}
	for _, open := range changes {
		b.cfg.OnChange(b.provider, open)
	}
}
