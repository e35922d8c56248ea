package durable

import (
	"cmp"
	"context"
	"fmt"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
)

// Settle decides about rows of a batch that ran or may have run and have no
// result at the provider or, with DecisionBuyAgain, about a batch whose creation
// was not answered. The batch is named by its Batch or its Tag, as in the
// Status. The process that runs the run applies the decision within about a
// second, or else the next one does. Results that have come by then count, and
// so does a batch that was found by then. The same decision may be made again;
// another one is an error.
//
// The error is an error for a batch that the decision does not fit. About the
// end of ctx see Pause.
func (h *Handle) Settle(ctx context.Context, batch string, d Decision) error {
	fits, refusal := func(b *OpenBatch) bool { return b.Missing > 0 }, errNotMissing
	switch d {
	case DecisionFail, DecisionSend:
	case DecisionBuyAgain:
		fits, refusal = (*OpenBatch).Unclear, errNotUnclear
	default:
		return fmt.Errorf("durable: decision %q: must be %q, %q or %q", d, DecisionFail, DecisionSend, DecisionBuyAgain)
	}
	s, err := h.Status()
	if err != nil {
		return err
	}
	name, tag := batch, ""
	for i := range s.Open {
		if b := &s.Open[i]; batch != "" && (b.Batch == batch || b.Tag == batch) && fits(b) {
			tag = b.Tag
		}
	}
	if d == DecisionBuyAgain {
		name = doubtKey(batch)
		if tag != "" {
			tag = doubtKey(tag)
		}
	}
	c, err := h.dir.Change(func(*rundir.Control) (bool, error) { return decideIn(h.dir, name, tag, d, refusal) })
	if err != nil {
		return err
	}
	return h.awaitApplied(ctx, c.Rev, "the decision")
}

// decideIn records a decision under the tag of the batch and under the name
// that the caller used. The decision can then still be found once the batch is
// settled.
func decideIn(d rundir.Dir, batch, tag string, decision Decision, refusal error) (changed bool, err error) {
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
		return false, fmt.Errorf("%w: %q", refusal, batch)
	}
	made[tag], made[batch] = string(decision), string(decision)
	return true, d.Write(rundir.DecisionsFile, made)
}
