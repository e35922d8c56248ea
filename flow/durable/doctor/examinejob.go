package doctor

import (
	"context"
	"errors"
	"fmt"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

// examineJob compares the files of a job with each other, and then with the
// index. After a problem, it leaves out the comparisons that need the damaged
// file.
func (h *Health) examineJob(ctx context.Context, a *jobdir.Dir, index state.Store) {
	history, err := a.ReadHistory()
	if err != nil || history == nil {
		h.add(err)
		return
	}
	job := JobHealth{
		Name: history.Meta.Name, Dir: a.Keys.Dir(), Batches: make(map[string]int),
		Succeeded: history.Output.Succeeded, Failed: history.Output.Failed,
	}
	if p := history.Pruned; p != nil {
		job.Rows, job.Read = p.Source.Rows, p.Source.Ended
		h.Jobs = append(h.Jobs, job)
		return
	}
	whole := true
	for _, in := range history.Intents {
		job.Batches[string(in.State)]++
		whole = h.examineBatch(a, history, in) && whole
	}
	if !whole {
		h.Jobs = append(h.Jobs, job)
		return
	}
	end, err := requestsEnd(ctx, a, history.Meta.Name, index)
	if err != nil {
		h.addIndex(err)
		index = nil
	}
	c, err := a.ReadClaims(history)
	if err != nil {
		h.add(err)
		h.Jobs = append(h.Jobs, job)
		return
	}
	source, waiting, err := examineRequests(a, end, c)
	h.add(err)
	if settled := job.Succeeded + job.Failed; err == nil && (settled < source.Rows || !source.Ended) {
		h.examineFiles(a, end)
	}
	job.Rows, job.Read, job.Waiting = source.Rows, source.Ended, len(waiting)
	h.Jobs = append(h.Jobs, job)
	if index != nil && err == nil {
		h.examineIndex(ctx, index, &comparison{a, history, source, waiting})
	}
}

// examineFiles examines the files of the rows of a job that has not ended. One
// that has needs them no more.
func (h *Health) examineFiles(a *jobdir.Dir, end segment.Pos) {
	check := a.CheckFiles()
	defer check.Close()
	for g, err := range a.IngestedGroups(end) {
		if err != nil {
			return // it was told before
		}
		for i := range g.Entries {
			for _, err := range check.Row(&g.Entries[i]) {
				h.add(err)
			}
		}
	}
}

// requestsEnd returns the acknowledged end of the request log. If the index
// knows the job and no state of its source, nothing of the log is acknowledged.
// A run that fails on its first rows, because of an error in the input, leaves
// such a log.
func requestsEnd(ctx context.Context, a *jobdir.Dir, name string, index state.Store) (segment.Pos, error) {
	end, err := segment.Extent(a.Root, jobdir.RequestDir)
	if err != nil || index == nil {
		return end, err
	}
	source := jobdir.Record[jobdir.SourceState]{Key: a.Keys.Source()}
	meta := jobdir.Record[jobdir.Meta]{Key: jobdir.MetaKey(name)}
	if err := errors.Join(jobdir.Load(ctx, index, &source), jobdir.Load(ctx, index, &meta)); err != nil {
		return end, err
	}
	if source.Rev == 0 && (meta.Rev == 0 || meta.Value.Keys() != a.Keys) {
		return end, nil
	}
	return source.Value.End, nil
}

// examineRequests reads the request log, and returns the state of the source
// and the items that are in no batch.
func examineRequests(a *jobdir.Dir, end segment.Pos, c *jobdir.Claims) (source jobdir.SourceState, waiting map[jobdir.Digest]bool, err error) {
	waiting = make(map[jobdir.Digest]bool)
	rows, sealed := 0, 0
	for g, err := range a.IngestedGroups(end) {
		if err != nil {
			return source, waiting, err
		}
		rows, source = rows+len(g.Entries), g.Source
		for i := range g.Entries {
			k := jobdir.ClaimKey(g.Entries[i].Key)
			n, known := c.Balance[k]
			if known {
				sealed++
			}
			if n < 0 || n > 1 {
				return source, waiting, a.Damaged(jobdir.ManifestDir, fmt.Errorf("the row of line %d is in %d batches at once", g.Entries[i].Line, n))
			}
			if n == 0 && c.Pruned == "" {
				waiting[k] = true
			}
		}
	}
	switch {
	case rows != source.Rows:
		err = a.Damaged(jobdir.RequestDir, fmt.Errorf("it holds %d rows of %d", rows, source.Rows))
	case sealed < len(c.Balance):
		err = a.Damaged(jobdir.RequestDir, fmt.Errorf("%d rows of batches are not in it", len(c.Balance)-sealed))
	}
	return source, waiting, err
}
