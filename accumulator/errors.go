package accumulator

import (
	"errors"
	"fmt"
)

// ErrClosed is returned by the methods of an [Accumulator] after Close.
var ErrClosed = errors.New("accumulator: closed")

var (
	errZero         = errors.New("accumulator: a zero Accumulator has no limits: make it with Stage.Start or Stage.Open")
	errZeroLoader   = errors.New("accumulator: a zero Loader has no function: make it with NewLoader")
	errZeroProducer = errors.New("accumulator: a zero Producer has no Accumulator: make it with Accumulator.Producer")
)

// OverweightError tells the function given to [Stage.Reject] that an item is
// heavier than a whole batch may be.
type OverweightError struct {
	Key         string // of the item; empty without keys
	Weight, Max int
}

// Error implements error.
func (e *OverweightError) Error() string {
	return fmt.Sprintf("accumulator: item of weight %d is over MaxWeight %d", e.Weight, e.Max)
}
