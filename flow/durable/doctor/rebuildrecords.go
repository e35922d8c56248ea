package doctor

import (
	"context"
	"errors"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
)

// rebuildRecords writes the other records of the job, and the job's own record
// last.
func rebuildRecords(ctx context.Context, a *jobdir.Dir, index state.Store, h *jobdir.History) error {
	costs := jobdir.CostsOf(h.Settled, func(tag string) uint64 { return h.Last(tag).Until })
	for tag, in := range h.Intents {
		op, err := jobdir.IntentOp(a.Keys, in)
		if err != nil {
			return err
		}
		ops := []state.Op{op}
		if n := h.Last(tag).Until; n > 0 {
			ops = append(ops, costs[tag].Ops(a.Keys, tag, n)...)
		}
		if err := index.Commit(ctx, ops...); err != nil {
			return err
		}
	}
	var recs records
	put(&recs, &jobdir.Record[jobdir.OutputState]{Key: a.Keys.Output()}, h.Output)
	put(&recs, &jobdir.Record[jobdir.Meta]{Key: jobdir.MetaKey(h.Meta.Name), Rev: h.Meta.Epoch}, h.Meta.Compact())
	return recs.commit(ctx, index)
}

// rebuildPruned writes the records of a job that has only its journal left.
func rebuildPruned(ctx context.Context, a *jobdir.Dir, index state.Store, h *jobdir.History) error {
	var recs records
	put(&recs, &jobdir.Record[jobdir.SourceState]{Key: a.Keys.Source()}, h.Pruned.Source)
	if err := recs.commit(ctx, index); err != nil {
		return err
	}
	return rebuildRecords(ctx, a, index, h)
}

// records gathers the ops of one commit.
type records struct {
	ops []state.Op
	err error // of the first that cannot be encoded
}

func put[V any](r *records, reg *jobdir.Record[V], value V) {
	op, err := reg.Put(value)
	r.ops, r.err = append(r.ops, op), errors.Join(r.err, err)
}

func (r *records) commit(ctx context.Context, store state.Store) error {
	if r.err != nil {
		return r.err
	}
	return store.Commit(ctx, r.ops...)
}
