package durable

import (
	"context"
	"errors"
	"fmt"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

// examineJob compares the files of a job with each other, and then with the
// index. What one problem leaves nothing to compare with is left out.
func (h *Health) examineJob(ctx context.Context, a *files, index state.Store) {
	history, err := a.readHistory()
	if err != nil || history == nil {
		h.add(err)
		return
	}
	job := JobHealth{
		Name: history.job.Name, Dir: a.keys.dir(), Batches: make(map[string]int),
		Succeeded: history.output.Succeeded, Failed: history.output.Failed,
	}
	if p := history.pruned; p != nil {
		job.Rows, job.Read = p.Source.Rows, p.Source.Ended
		h.Jobs = append(h.Jobs, job)
		return
	}
	whole := true
	for _, in := range history.intents {
		job.Batches[string(in.State)]++
		whole = h.examineBatch(a, history, in) && whole
	}
	if !whole {
		h.Jobs = append(h.Jobs, job)
		return
	}
	end, err := a.requestsEnd(ctx, history.job.Name, index)
	if err != nil {
		h.addIndex(err)
		index = nil
	}
	c, err := a.readClaims(history)
	if err != nil {
		h.add(err)
		h.Jobs = append(h.Jobs, job)
		return
	}
	source, waiting, err := a.examineRequests(end, c)
	h.add(err)
	job.Rows, job.Read, job.Waiting = source.Rows, source.Ended, len(waiting)
	h.Jobs = append(h.Jobs, job)
	if index != nil && err == nil {
		h.examineIndex(ctx, index, &examined{a, history, source, waiting})
	}
}

// requestsEnd is how far the request log is known to reach. An index that knows the
// job and nothing of its source has acknowledged none of it: a run that ends at its
// first rows, by an error in the input, leaves such a log.
func (a *files) requestsEnd(ctx context.Context, name string, index state.Store) (segment.Pos, error) {
	end, err := segment.Extent(a.root, requestDir)
	if err != nil || index == nil {
		return end, err
	}
	source := register[sourceState]{key: a.keys.source()}
	meta := register[jobMeta]{key: metaKey(name)}
	if err := errors.Join(load(ctx, index, &source), load(ctx, index, &meta)); err != nil {
		return end, err
	}
	if source.rev == 0 && (meta.rev == 0 || meta.value.keys() != a.keys) {
		return end, nil
	}
	return source.value.End, nil
}

// examineRequests reads the request log, and returns the state of the source and
// the items that are in no batch.
func (a *files) examineRequests(end segment.Pos, c *claims) (source sourceState, waiting map[digest]bool, err error) {
	waiting = make(map[digest]bool)
	rows, sealed := 0, 0
	for g, err := range a.ingestedGroups(end) {
		if err != nil {
			return source, waiting, err
		}
		rows, source = rows+len(g.entries), g.source
		for i := range g.entries {
			k := claimKey(g.entries[i].key)
			n, known := c.balance[k]
			if known {
				sealed++
			}
			if n < 0 || n > 1 {
				return source, waiting, a.damaged(baleDir, fmt.Errorf("the row of line %d is in %d batches at once", g.entries[i].line, n))
			}
			if n == 0 && c.pruned == "" {
				waiting[k] = true
			}
		}
	}
	switch {
	case rows != source.Rows:
		err = a.damaged(requestDir, fmt.Errorf("it holds %d rows of %d", rows, source.Rows))
	case sealed < len(c.balance):
		err = a.damaged(requestDir, fmt.Errorf("%d rows of batches are not in it", len(c.balance)-sealed))
	}
	return source, waiting, err
}
