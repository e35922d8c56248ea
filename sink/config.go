package sink

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/balerhq/baler/retry"
)

// Config adjusts a [Stage]. Its zero value is ready to use.
type Config struct {
	// InFlight is how many batches may be at the provider at once. While there
	// are as many, Run takes no more input. Zero means 16.
	InFlight int
	// Attempts is how many batches a row may be part of: one that failed but
	// may succeed is sent again until then. 1 means that none is. Zero means 3.
	Attempts int
	// Poll is the shortest interval at which a batch is polled. It grows to a
	// twentieth of the batch's age, up to 5 minutes. Zero means 10 s.
	Poll time.Duration
	// Grace is how long a batch whose creation was not answered is looked for
	// before it is created again, and how much longer than its window a batch
	// is waited for. Zero means 10 min.
	Grace time.Duration
	// Retry spaces the calls that are repeated. How often they are is up to the
	// window of the batch, so its MaxAttempts is not used, nor are Classify and
	// Notify. Zero means the retry.Policy defaults.
	Retry retry.Policy
	// Remove deletes what the provider stores of a batch once its results are
	// delivered. Zero means that it stays for as long as the provider keeps it.
	Remove bool
	// Log gets what people may have to look into: batches that are in doubt or
	// are left at the provider, and calls that fail, in the provider's words.
	// It gets no items. Zero means that nothing is logged.
	Log *slog.Logger
}

// Defaults of a Config.
const (
	DefaultInFlight = 16
	DefaultAttempts = 3
	DefaultPoll     = 10 * time.Second
	DefaultGrace    = 10 * time.Minute
)

// Validate reports every field that makes no sense.
func (c Config) Validate() error {
	var errs []error
	refuse := func(bad bool, field string, value any) {
		if bad {
			errs = append(errs, fmt.Errorf("sink: Config.%s is %v: must not be negative", field, value))
		}
	}
	refuse(c.InFlight < 0, "InFlight", c.InFlight)
	refuse(c.Attempts < 0, "Attempts", c.Attempts)
	refuse(c.Poll < 0, "Poll", c.Poll)
	refuse(c.Grace < 0, "Grace", c.Grace)
	if err := c.Retry.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("sink: Config.Retry: %w", err))
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	c.InFlight = cmp.Or(c.InFlight, DefaultInFlight)
	c.Attempts = cmp.Or(c.Attempts, DefaultAttempts)
	c.Poll = cmp.Or(c.Poll, DefaultPoll)
	c.Grace = cmp.Or(c.Grace, DefaultGrace)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}
