package ratelimit

import (
	"net/http"
	"strconv"
)

// remainders are the headers with the rest of a limit, by dimension: those of
// OpenAI and compatible providers, then those of Anthropic. Limits and resets
// are not read, because their window differs between providers.
var remainders = [...]struct {
	name      string
	dimension int
}{
	{"X-Ratelimit-Remaining-Requests", 0},
	{"X-Ratelimit-Remaining-Tokens", 1},
	{"Anthropic-Ratelimit-Requests-Remaining", 0},
	{"Anthropic-Ratelimit-Input-Tokens-Remaining", 1},
	{"Anthropic-Ratelimit-Output-Tokens-Remaining", 2},
}

// Observe reads the header of a reply. If the provider has less left of a limit
// than the limiter has, the limiter follows. If the provider has more, nothing
// changes. Unknown or unreadable headers change nothing.
func (l *Limiter) Observe(header http.Header) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range remainders {
		n, err := strconv.Atoi(header.Get(r.name))
		if err == nil && n >= 0 {
			l.core.clamp(r.dimension, float64(n))
		}
	}
}
