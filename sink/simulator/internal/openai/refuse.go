package openai

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// refused is a limit of the account in OpenAI's words.
func refused(r *protocol.RefusalError) *apiError {
	e := &apiError{status: http.StatusTooManyRequests, Type: "requests", Code: "rate_limit_exceeded"}
	switch r.Cause {
	case protocol.Blocked:
		e.Type, e.Code = "insufficient_quota", cmp.Or(r.Code, "insufficient_quota")
		e.Message = "You exceeded your current quota, please check your plan and billing details."
	case protocol.TokensPerMinute:
		e.Type = "tokens"
		e.Message = fmt.Sprintf("Rate limit reached for %s in organization org-simulator on tokens per min (TPM): Limit %d. "+
			"Please try again in %v.", r.Model, r.Limit, r.RetryAfter)
	case protocol.RequestsPerMinute:
		e.Message = fmt.Sprintf("Rate limit reached in organization org-simulator on requests per min (RPM): Limit %d. "+
			"Please try again in %v.", r.Limit, r.RetryAfter)
	case protocol.EnqueuedTokens, protocol.EnqueuedRows, protocol.OpenBatches:
		e.Message = fmt.Sprintf("Limit of %s reached in organization org-simulator. Limit: %d.", r.Cause, r.Limit)
	}
	return e
}

// setRates sets the headers that say where the account stands.
func setRates(h http.Header, rates protocol.Rates) {
	for name, rate := range map[string]protocol.Rate{"requests": rates.Requests, "tokens": rates.Tokens} {
		if rate.Limit > 0 {
			h.Set("X-Ratelimit-Limit-"+name, strconv.FormatInt(rate.Limit, 10))
			h.Set("X-Ratelimit-Remaining-"+name, strconv.FormatInt(rate.Remaining, 10))
			h.Set("X-Ratelimit-Reset-"+name, rate.Reset.String())
		}
	}
}

// setRetry says when to try again, in whole seconds and in milliseconds.
func setRetry(h http.Header, after time.Duration) {
	if after > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
		h.Set("Retry-After-Ms", strconv.FormatInt(after.Milliseconds(), 10))
	}
}
