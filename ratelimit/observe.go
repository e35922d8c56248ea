package ratelimit

import (
	"net/http"
	"strconv"
)

// remainders are the headers that tell what is left of a limit, by dimension.
// The first are OpenAI's and of all that speak like it; the second Anthropic's.
// Limits and resets are not read: their window differs between providers.
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

// Observe takes in the header of a reply. If the provider has less left of a
// limit than the limiter believes, the limiter follows; the other way round
// nothing changes. Headers it does not know, or cannot read, change nothing.
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
