package live

import (
	"math"
	"sync"

	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/sink/llm"
)

const (
	// tokensPerByte is the usual one of a request, before any call has shown
	// what it is.
	tokensPerByte = 0.25
	// newest is the weight of the latest call in the averages.
	newest = 1.0 / 20
)

// estimator estimates the tokens of a call, from what earlier calls used. It is
// safe for concurrent use.
type estimator struct {
	joint bool // one limit for input and output together

	mu     sync.Mutex
	input  average // tokens per byte of the request
	output average // tokens of an answer
}

func newEstimator(joint bool) *estimator {
	return &estimator{joint: joint, input: average{value: tokensPerByte}}
}

// cost returns what a call with a request of so many bytes probably takes.
func (e *estimator) cost(bytes int) ratelimit.Cost {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.of(e.input.value*float64(bytes), e.output.value)
	c.Slots = 1
	return c
}

// used returns what a call took, and learns from it.
func (e *estimator) used(bytes int, u llm.Usage) ratelimit.Cost {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.input.add(float64(u.Input) / float64(max(bytes, 1)))
	e.output.add(float64(u.Output))
	return e.of(float64(u.Input), float64(u.Output))
}

func (e *estimator) of(input, output float64) ratelimit.Cost {
	c := ratelimit.Cost{Requests: 1, InputTokens: int(math.Ceil(input)), OutputTokens: int(math.Ceil(output))}
	if e.joint {
		c.InputTokens += c.OutputTokens
	}
	return c
}

// average is a moving one. The first value counts in full.
type average struct {
	value float64
	begun bool
}

func (a *average) add(v float64) {
	if !a.begun {
		a.value, a.begun = v, true
	}
	a.value += (v - a.value) * newest
}
