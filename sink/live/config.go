package live

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// The defaults of a Config.
const (
	DefaultSlots   = 16
	DefaultTimeout = 10 * time.Minute
	DefaultRows    = 1000
	DefaultWindow  = 24 * time.Hour
)

// Config adjusts a Provider. Dir is required.
type Config struct {
	// Dir is the directory that keeps the batches. It is made if it is missing.
	// One Provider at a time uses it.
	Dir string
	// Rate limits the calls of all batches together. Slots is how many are
	// under way at the same time; zero means DefaultSlots. Timeout bounds one
	// call, not counting the wait before it; zero means DefaultTimeout. Without
	// OutputTokens, InputTokens limits input and output together. Tokens are
	// estimated before a call, from what earlier calls used, and corrected
	// after it.
	Rate ratelimit.Config
	// Remaining reads what a reply says is left of the limits, for example
	// openai.ReadRemaining. Nil means that replies do not say.
	Remaining func(http.Header) ratelimit.Remaining
	// Retry is for rows whose call failed for now. Zero fields mean the
	// defaults of retry.Policy. A row that still fails has failed in this
	// batch.
	Retry retry.Policy
	// Breaker says when the server counts as down. Rows then wait, and one call
	// tries whether it is back. The first 20 such calls of a row do not count
	// as attempts of Retry.
	Breaker retry.BreakerConfig
	// Repeat says that asking a row again does no harm, although it may have
	// been answered before: at a server of one's own.
	Repeat bool
	// KeyHeader is the header in which the server takes an idempotency key, if
	// it answers the second call with that key like the first one and bills
	// only one. A row then has its ID there, and may be asked again. Zero means
	// that the server has no such thing.
	KeyHeader string
	// Limits of one batch. Zero fields mean DefaultRows, any number of bytes,
	// and DefaultWindow.
	Limits sink.Limits
}

func (c Config) withDefaults() Config {
	c.Rate.Slots = cmp.Or(c.Rate.Slots, DefaultSlots)
	c.Rate.Timeout = cmp.Or(c.Rate.Timeout, DefaultTimeout)
	c.Limits = c.Limits.Or(sink.Limits{Rows: DefaultRows, Window: DefaultWindow})
	return c
}

// validate checks what nothing else does.
func (c *Config) validate() error {
	switch {
	case c.Dir == "":
		return errors.New("Config.Dir is missing")
	case min(int64(c.Limits.Rows), c.Limits.Bytes, int64(c.Limits.Window)) < 0:
		return fmt.Errorf("Config.Limits is %+v: must not be negative", c.Limits)
	}
	return c.Retry.Validate()
}

// mayRepeat reports whether a row that may have been answered is asked again.
func (c *Config) mayRepeat() bool { return c.Repeat || c.KeyHeader != "" }
