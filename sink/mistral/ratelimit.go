package mistral

import (
	"net/http"

	"github.com/balerhq/baler/ratelimit"
)

// ReadRemaining reads what a reply says is left of this minute's limits. The
// tokens are counted as input.
func ReadRemaining(h http.Header) ratelimit.Remaining {
	return ratelimit.ParseRemaining(h.Get("X-Ratelimit-Remaining-Req-Minute"), h.Get("X-Ratelimit-Remaining-Tokens-Minute"), "")
}
