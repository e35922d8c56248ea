package durable

import (
	"cmp"
	"context"
	"fmt"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
)

// Settle decides what becomes of the rows of a batch that ran, or may have, and of
// which the provider has no result. The batch is named as in the Status, by its
// Batch or its Tag. The process that runs the run does it within about a second,
// or else the next one does; results that have come by then count. To decide the
// same again is no mistake, and to decide otherwise is an error.
//
// The error is ErrNotMissing for a batch of which no row is missing. About the end
// of ctx see Pause.
func (h *Handle) Settle(ctx context.Context, batch string, d Decision) error {
	if d != FailMissing && d != SendMissing {
		return fmt.Errorf("durable: decision %q: must be %q or %q", d, FailMissing, SendMissing)
	}
	s, err := h.Status()
	if err != nil {
		return err
	}
	tag := ""
	for _, b := range s.Open {
		if batch != "" && (b.Batch == batch || b.Tag == batch) && b.Missing > 0 {
			tag = b.Tag
		}
	}
	c, err := h.dir.Change(func(*rundir.Control) (bool, error) { return decideIn(h.dir, batch, tag, d) })
	if err != nil {
		return err
	}
	return h.obeyed(ctx, c.Rev, "the decision")
}

// decideIn records a decision under the tag of the batch, and as the caller named
// it, so that it is known when the batch is settled.
func decideIn(d rundir.Dir, batch, tag string, decision Decision) (changed bool, err error) {
	made, err := d.Decisions()
	if err != nil {
		return false, err
	}
	switch was := Decision(cmp.Or(made[tag], made[batch])); {
	case was == decision:
		return false, nil
	case was != "":
		return false, fmt.Errorf("durable: batch %s: it was decided already: %s", batch, was)
	case tag == "":
		return false, fmt.Errorf("%w: %q", ErrNotMissing, batch)
	}
	made[tag], made[batch] = string(decision), string(decision)
	return true, d.Write(rundir.DecisionsFile, made)
}
