package anthropic

import (
	"net/http"

	"github.com/balerhq/baler/ratelimit"
)

// ReadRemaining reads what a reply says is left of the account's limits.
func ReadRemaining(h http.Header) ratelimit.Remaining {
	return ratelimit.ParseRemaining(
		h.Get("Anthropic-Ratelimit-Requests-Remaining"),
		h.Get("Anthropic-Ratelimit-Input-Tokens-Remaining"),
		h.Get("Anthropic-Ratelimit-Output-Tokens-Remaining"),
	)
}
