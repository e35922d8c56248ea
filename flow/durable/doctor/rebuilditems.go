package doctor

import (
	"context"
	"errors"
	"fmt"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/ready"
	"github.com/balerhq/baler/internal/segment"
)

// rebuildItems lets the items wait that are in no batch. By which keys they are
// recognized, the next run finds in the request log. If the end of the request log cannot be read, its items are
// read from the source again, unless a batch refers to them.
func rebuildItems(ctx context.Context, a *jobdir.Dir, r *ready.Log, h *jobdir.History, c *jobdir.Claims) error {
	source := jobdir.Record[jobdir.SourceState]{Key: a.Keys.Source()}
	end, err := segment.Extent(a.Root, jobdir.RequestDir)
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	sealed, unread := 0, error(nil)
	for g, err := range a.IngestedGroups(end) {
		if err != nil {
			unread = err
			break
		}
		var entries []jobdir.Entry
		for _, e := range g.Entries {
			if _, ok := c.Balance[jobdir.ClaimKey(e.Key)]; ok {
				sealed++
			}
			if e, ok := c.Waiting(e); ok && c.Pruned == "" {
				entries = append(entries, e)
			}
		}
		op, err := source.Put(g.Source)
		if err != nil {
			return err
		}
		if err := r.Add(ctx, entries, op); err != nil {
			return err
		}
	}
	switch s := source.Value; {
	case len(h.Targets) < s.Targets:
		return a.Damaged(jobdir.JournalFile, errors.New("it has lost the endpoint or the model of rows"))
	case sealed < len(c.Balance):
		return errors.Join(a.Damaged(jobdir.RequestDir, fmt.Errorf("%d rows of batches are not in it", len(c.Balance)-sealed)), unread)
	case c.Pruned != "" && (!s.Ended || h.Output.Settled() < s.Rows):
		return a.Damaged(jobdir.ManifestName(c.Pruned), errors.New("it is gone, and with it which rows were bought, and the job is not finished"))
	}
	return nil
}
