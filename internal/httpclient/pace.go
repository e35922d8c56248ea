package httpclient

import (
	"context"
	"fmt"

	"golang.org/x/time/rate"

	"github.com/balerhq/baler/retry"
)

// Kind groups the calls that share a pace. Calls of one kind begin in the order
// in which they are made, and never wait for those of another: polls and
// deletions do not hold up what earns the results.
type Kind uint8

// The kinds.
const (
	Other    Kind = iota // lists, checks, cancels
	Upload               // of input files
	Create               // of batches
	Download             // of result files, with the poll of their batch
	Poll                 // polls of a batch
	Delete               // of files, with the poll of their batch
	Unpaced              // goes with a call that is paced
	kinds    = Unpaced
)

// Pace is how many calls of each kind begin in a second at most. As many may
// begin at once. All must be positive.
type Pace [kinds]int

// Evenly is n calls a second of each kind.
func Evenly(n int) (p Pace) {
	for kind := range p {
		p[kind] = n
	}
	return p
}

// turns are the limiters of the kinds.
type turns [kinds]*rate.Limiter

func (p Pace) turns() (t turns) {
	for kind, n := range p {
		t[kind] = rate.NewLimiter(rate.Limit(n), n)
	}
	return t
}

// await waits until it is the turn of the call. That is no part of the call's
// timeout: however many are before it, it comes. If ctx would end first the
// call fails at once, and nothing has happened.
func (t *turns) await(ctx context.Context, call Call) error {
	if call.Kind == Unpaced {
		return nil
	}
	if err := t[call.Kind].Wait(ctx); err != nil {
		return retry.Mark(fmt.Errorf("%s: wait for its turn: %w", call, err), retry.Retryable)
	}
	return nil
}
