package anthropic

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// refused is a limit of the account in Anthropic's words.
func refused(r *protocol.RefusalError) *apiError {
	e := &apiError{status: http.StatusTooManyRequests}
	switch r.Cause {
	case protocol.Blocked:
		return blocked(r.Code)
	case protocol.RequestsPerMinute, protocol.TokensPerMinute:
		e.message = fmt.Sprintf("This request would exceed your organization's rate limit of %d %s.", r.Limit, r.Cause)
	case protocol.EnqueuedRows:
		e.message = fmt.Sprintf("This request would exceed your organization's limit of %d batch requests in the processing queue.", r.Limit)
	case protocol.EnqueuedTokens, protocol.OpenBatches:
		e.message = fmt.Sprintf("This request would exceed the limit of %d %s in the processing queue.", r.Limit, r.Cause)
	}
	return e
}

// blocked is why an account may not buy anything.
func blocked(code string) *apiError {
	switch code {
	case "":
		return invalid("Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.")
	case "billing_error":
		return &apiError{status: http.StatusPaymentRequired, message: "There is an issue with your payment method."}
	case "enforced_spend_limit_reached", "contract_spend_limit_reached":
		return &apiError{status: http.StatusTooManyRequests, code: code, message: "Your organization has reached its spend limit."}
	}
	return &apiError{status: http.StatusForbidden, code: code, message: "Your organization may not make this request."}
}

// setRates sets the headers that say where the account stands.
func setRates(h http.Header, rates protocol.Rates, now time.Time) {
	for name, rate := range map[string]protocol.Rate{
		"Requests": rates.Requests, "Tokens": rates.Tokens, "Input-Tokens": rates.Tokens, "Output-Tokens": rates.Tokens,
	} {
		if rate.Limit > 0 {
			h.Set("Anthropic-Ratelimit-"+name+"-Limit", strconv.FormatInt(rate.Limit, 10))
			h.Set("Anthropic-Ratelimit-"+name+"-Remaining", strconv.FormatInt(rate.Remaining, 10))
			h.Set("Anthropic-Ratelimit-"+name+"-Reset", now.Add(rate.Reset).UTC().Format(time.RFC3339))
		}
	}
}

// setRetry says when to try again, in whole seconds.
func setRetry(h http.Header, after time.Duration) {
	if after > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
	}
}
