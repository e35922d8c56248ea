package openai

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/balerhq/baler/internal/errorbody"
	"github.com/balerhq/baler/retry"
)

// ReadError is the retry.Grammar of OpenAI and of the servers that speak its
// protocol. If neither the header nor the body says how long to wait, a 429
// says it with the reset of the limits that are used up.
func ReadError(effect retry.Effect, status int, header http.Header, body []byte) error {
	if status/100 == 2 {
		return nil
	}
	b := errorbody.Read(body)
	r := retry.Reply{
		Status: status, Header: header,
		Code: b.Word(), Message: b.Message, Param: b.Param, RequestID: b.RequestID, RetryAfter: b.RetryDelay(),
	}
	for _, d := range b.TypedDetails() {
		if slices.Contains(relayed, d.Reason) {
			r.Code = d.Reason
		}
	}
	r.Blocked = blocking(r.Code)
	if r.RetryAfter == 0 && status == http.StatusTooManyRequests {
		r.RetryAfter = resetDelay(header)
	}
	return r.Err(effect)
}

// blocking reports whether a code says that the account needs a person,
// whatever status it comes with.
func blocking(code string) bool {
	switch code {
	case "insufficient_quota", "billing_hard_limit_reached", "billing_not_active":
		return true
	}
	return slices.Contains(relayed, code)
}

// relayed are codes of the same meaning that are not OpenAI's own. Gateways
// hand them on from the vendors behind them.
var relayed = []string{"billing_error", "enforced_spend_limit_reached", "API_KEY_INVALID"}

// resetDelay returns the time until the limits that are used up refill. The
// reset of any other limit does not say how long this call must wait.
func resetDelay(header http.Header) time.Duration {
	var longest time.Duration
	for _, kind := range []string{"Requests", "Tokens"} {
		left := header.Get("X-Ratelimit-Remaining-" + kind)
		if n, err := strconv.ParseFloat(left, 64); err == nil && n > 0 {
			continue
		}
		if d, err := time.ParseDuration(header.Get("X-Ratelimit-Reset-" + kind)); err == nil {
			longest = max(longest, d)
		}
	}
	return longest
}
