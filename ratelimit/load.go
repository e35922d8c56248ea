package ratelimit

import (
	"errors"
	"fmt"
)

// Load is an amount of work at a batch API: that of one batch, that of a whole
// lane, or the most that a lane may have.
type Load struct {
	Tokens  int `json:"tokens,omitempty"` // enqueued input tokens
	Rows    int `json:"rows,omitempty"`
	Batches int `json:"batches,omitempty"` // 1 for one batch
}

// ErrTooLarge is wrapped by the error of a Reserve that never fits.
var ErrTooLarge = errors.New("more than the lane holds when empty")

func (l Load) plus(m Load) Load {
	return Load{Tokens: l.Tokens + m.Tokens, Rows: l.Rows + m.Rows, Batches: l.Batches + m.Batches}
}

// fits reports whether l is within limit. A zero field of limit does not limit.
func (l Load) fits(limit Load) bool {
	within := func(n, most int) bool { return most == 0 || n <= most }
	return within(l.Tokens, limit.Tokens) && within(l.Rows, limit.Rows) && within(l.Batches, limit.Batches)
}

// check reports the first negative field.
func (l Load) check() error {
	switch {
	case l.Tokens < 0:
		return fmt.Errorf("Load.Tokens is %d: must not be negative", l.Tokens)
	case l.Rows < 0:
		return fmt.Errorf("Load.Rows is %d: must not be negative", l.Rows)
	case l.Batches < 0:
		return fmt.Errorf("Load.Batches is %d: must not be negative", l.Batches)
	}
	return nil
}
