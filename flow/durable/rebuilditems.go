package durable

import (
	"context"
	"errors"
	"fmt"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

// rebuildItems makes the records of the items and lets those wait that are in no
// batch. What cannot be read at the end of the request log is read from the source
// again, unless a batch refers to it.
func (a *files) rebuildItems(ctx context.Context, r *ready, h *history, c *claims) error {
	source := register[sourceState]{key: a.keys.source()}
	end, err := segment.Extent(a.root, requestDir)
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	sealed, unread := 0, error(nil)
	for g, err := range a.ingestedGroups(end) {
		if err != nil {
			unread = err
			break
		}
		ops := make([]state.Op, 0, len(g.entries)+3)
		var entries []entry
		for _, e := range g.entries {
			ops = append(ops, e.remember(a.keys))
			if _, ok := c.balance[claimKey(e.key)]; ok {
				sealed++
			}
			if e, ok := c.waiting(e); ok && c.pruned == "" {
				entries = append(entries, e)
			}
		}
		op, err := source.put(g.source)
		if err != nil {
			return err
		}
		if err := r.add(ctx, entries, append(ops, op)...); err != nil {
			return err
		}
	}
	switch s := source.value; {
	case len(h.lanes) < s.Lanes:
		return a.damaged(journalFile, errors.New("it has lost the endpoint or the model of rows"))
	case sealed < len(c.balance):
		return errors.Join(a.damaged(requestDir, fmt.Errorf("%d rows of batches are not in it", len(c.balance)-sealed)), unread)
	case c.pruned != "" && (!s.Ended || h.output.settled() < s.Rows):
		return a.damaged(baleName(c.pruned), errors.New("it is gone, and with it which rows were bought, and the job is not finished"))
	}
	return nil
}
