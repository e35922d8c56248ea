package durable

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/internal/intent"
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
	s, held, err := readStatus(h.dir)
	if err != nil {
		return fmt.Errorf("durable: settle a batch of %q: %w", h.name, err)
	}
	fits, refusal := func(b *OpenBatch) bool { return b.Missing > 0 }, errNotMissing
	name, key := batch, func(b *OpenBatch) string { return b.Tag }
	switch d {
	case DecisionFail, DecisionSend:
	case DecisionBuyAgain:
		refusal = errNotUnclear
		fits = func(b *OpenBatch) bool {
			return b.Unclear() && (!held || b.State != string(intent.Creating)) // its answer may be about to come
		}
		name, key = "unclear "+batch, func(b *OpenBatch) string { return doubtKey(b.Tag, b.Creates) }
	default:
		return fmt.Errorf("durable: decision %q: must be %q, %q or %q", d, DecisionFail, DecisionSend, DecisionBuyAgain)
	}
	about, ok := "", false
	for i := range s.Open {
		if b := &s.Open[i]; batch != "" && (b.Batch == batch || b.Tag == batch) {
			about, ok = key(b), fits(b)
		}
	}
	if ok {
		refusal = nil
	}
	c, err := h.dir.Change(func(*rundir.Control) (bool, error) { return decideIn(h.dir, name, about, d, refusal) })
	if err != nil {
		return err
	}
	return h.awaitApplied(ctx, c.Rev, "the decision")
}

// decideIn records a decision under the key of what it is about and under the
// name that the caller used. The decision can then still be found once the
// batch is settled, and has no key any more.
func decideIn(d rundir.Dir, name, key string, decision Decision, refusal error) (changed bool, err error) {
	made, err := d.Decisions()
	if err != nil {
		return false, err
	}
	switch was := Decision(made[cmp.Or(key, name)]); {
	case was == decision:
		return false, nil
	case was != "":
		return false, fmt.Errorf("durable: batch %s: it was decided already: %s", name, was)
	case refusal != nil:
		return false, fmt.Errorf("%w: %q", refusal, strings.TrimPrefix(name, "unclear "))
	}
	made[key], made[name] = string(decision), string(decision)
	return true, d.Write(rundir.DecisionsFile, made)
}
