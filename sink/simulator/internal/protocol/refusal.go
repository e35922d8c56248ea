package protocol

import (
	"fmt"
	"time"
)

// A RefusalError is a limit of the account that a request would exceed. The protocol
// has the words for it.
type RefusalError struct {
	Cause Cause
	// Limit is the limit; 0 if the cause is Blocked.
	Limit int64
	// Model is the model that the limit is for, if it is for one.
	Model string
	// Code is the error code that a test asked for. Empty means the protocol's
	// own. It is only set if the cause is Blocked.
	Code string
	// RetryAfter is when the same request may succeed; 0 if that is not known.
	RetryAfter time.Duration
	// Rates are where the account stands.
	Rates Rates
}

// Error is for logs: clients get the protocol's words.
func (r *RefusalError) Error() string { return fmt.Sprintf("refused: %s, limit %d", r.Cause, r.Limit) }

// Cause is what is exceeded.
type Cause string

// The causes of a refusal. Each is a field of Limits, but for Blocked.
const (
	RequestsPerMinute Cause = "requests per minute"
	TokensPerMinute   Cause = "tokens per minute"
	EnqueuedTokens    Cause = "enqueued tokens"
	EnqueuedRows      Cause = "enqueued rows"
	OpenBatches       Cause = "open batches"
	Blocked           Cause = "quota or billing"
)

// Rates are where an account stands with its limits per minute.
type Rates struct{ Requests, Tokens Rate }

// Rate is where an account stands with one limit per minute. What remains grows
// evenly up to the limit.
type Rate struct {
	Limit     int64 // 0: there is none
	Remaining int64
	Reset     time.Duration // until all of it remains again
}
