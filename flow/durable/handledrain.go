package durable

import (
	"context"
	"errors"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
)

// errDrained is why a drained run reads its source no more.
var errDrained = errors.New("durable: drained")

// Drain ends the source of the run for good. Once it returns nil, no more items
// are taken. Those that were taken are settled, and then the run is completed:
// see Wait. It is how a run ends whose Source is a Feed that does not end by
// itself. The items that are left in it belong to another run, under another
// name. To go on later under the same name, end the context of Run instead.
//
// If no process runs the run, the next one takes no items. In a run that is
// paused, what was taken waits for Resume. About the end of ctx see Pause.
func (h *Handle) Drain(ctx context.Context) error {
	c, err := h.dir.Change(func(c *rundir.Control) (changed bool, err error) {
		switch {
		case State(c.Want) == StateCancelled:
			return false, &CancelledError{Reason: c.Reason, At: c.At}
		case c.Drain:
			return false, nil
		}
		c.Drain, c.At = true, time.Now()
		return true, nil
	})
	if err != nil {
		return err
	}
	return h.awaitApplied(ctx, c.Rev, "drain")
}
