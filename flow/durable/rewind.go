package durable

import (
	"context"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
)

// rewind takes the output back to what was recorded. If the journal tells of
// more, it must know before. That a new output is the job's is recorded before
// anything is written to it: what is found in it later is then known to be its
// own.
func (e *engine) rewind(ctx context.Context, told jobdir.OutputState) error {
	s := e.settler.outputRecord.Value
	if s != told {
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

// unrecorded tells the results that this job may have handed on without a record
// of it: those of batches that it is about to settle. Others behind the mark of
// an output are of another run, of a newer copy of this state directory, or of
// nobody.
func (e *engine) unrecorded() func(*Result) bool {
	var rows map[jobdir.ItemHash]map[string]bool // the batches that may answer each
	return func(r *Result) bool {
		if rows == nil {
			rows = e.settledNext()
		}
		batches := rows[jobdir.HashKey(r.ID)]
		return batches[r.Batch] || r.Cached && len(batches) > 0
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
