package ratelimit

import "strconv"

// Remaining is what a provider says is left of its limits. A nil field says
// nothing. The provider packages read it from the headers of a reply, for
// example openai.ReadRemaining. Limits and resets are not part of it, because
// their window differs between providers.
type Remaining struct {
	Requests     *int
	InputTokens  *int
	OutputTokens *int
}

// ParseRemaining reads numbers as they stand in headers. An empty, unreadable
// or negative one says nothing.
func ParseRemaining(requests, inputTokens, outputTokens string) Remaining {
	return Remaining{parseCount(requests), parseCount(inputTokens), parseCount(outputTokens)}
}

func parseCount(s string) *int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return nil
	}
	return &n
}

// Observe follows what a reply says is left. If the provider has less left of a
// limit than the limiter has, the limiter follows. If the provider has more, or
// says nothing, nothing changes.
func (l *Limiter) Observe(left Remaining) {
	l.lock()
	defer l.mu.Unlock()
	l.core.observe(left)
}

func (k *core) observe(left Remaining) {
	for i, n := range [dimensions]*int{left.Requests, left.InputTokens, left.OutputTokens} {
		if n != nil {
			k.clamp(i, float64(max(*n, 0)))
		}
	}
}
