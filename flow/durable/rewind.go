package durable

import (
	"context"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
)

// rewind takes the output back to the recorded mark. If the journal has a later
// mark, the rewind is written to it first. A new output is recorded as the
// job's before anything is written to it, so that its content is later known to
// be the job's.
func (e *engine) rewind(ctx context.Context, replayed jobdir.OutputState) error {
	s := e.settler.outputRecord.Value
	if !s.Equal(replayed) {
		if err := e.batches.journal.Append(jobdir.Line{Output: &s}); err != nil {
			return err
		}
	}
	r, ok := e.output.(Rewinder)
	if !ok {
		return nil
	}
	if j, ok := e.output.(tailJudge); ok {
		j.judgeTail(e.unrecorded())
	}
	if was := e.intake.source.Value.Earlier; was != nil && s.Settled() == was.Succeeded+was.Failed && isNew(r) {
		s.Mark = "" // what is added goes to an output of its own
	}
	if err := r.Rewind(s.Mark); err != nil || s.Mark != "" {
		return err
	}
	s.Mark = r.Mark()
	if err := e.batches.journal.Append(jobdir.Line{Output: &s}); err != nil {
		return err
	}
	op, err := e.settler.outputRecord.Put(s)
	if err != nil {
		return err
	}
	return e.store.Commit(ctx, op)
}

// isNew reports whether nothing was written to an output yet.
func isNew(o Output) bool {
	n, ok := o.(interface{ mustBeNew() error })
	return ok && n.mustBeNew() == nil
}

// unrecorded returns a function that recognizes results which this job may have
// delivered without a record. These belong to batches that it is about to
// settle. Other results after the mark of an output come from another run, or
// from a newer copy of this state directory.
func (e *engine) unrecorded() func(*Result) bool {
	var rows map[jobdir.ItemHash]map[string]bool // the batches that may answer each
	return func(r *Result) bool {
		if rows == nil {
			rows = e.settledNext()
		}
		batches := rows[jobdir.HashKey(r.ID)]
		return batches[r.Batch] || (r.Cached || r.Shared) && len(batches) > 0
	}
}

func (e *engine) settledNext() map[jobdir.ItemHash]map[string]bool {
	rows := make(map[jobdir.ItemHash]map[string]bool)
	for _, in := range e.open {
		if in.State != intent.Fetched {
			continue
		}
		entries, err := e.Entries(in.Tag, in.Rows)
		if err != nil {
			continue // its results cannot be told from others
		}
		for i := range entries {
			h := jobdir.HashKey(entries[i].Key)
			if rows[h] == nil {
				rows[h] = make(map[string]bool, 1)
			}
			rows[h][in.Batch] = true
		}
	}
	return rows
}
