package durable

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/balerhq/baler/flow/state"
)

// rebuildRecords makes the other records of the job, and its own last.
func (a *files) rebuildRecords(ctx context.Context, index state.Store, h *history) error {
	for tag, in := range h.intents {
		op, err := recordOf(a.keys, in)
		if err != nil {
			return err
		}
		ops := []state.Op{op}
		if n := h.last(tag).Until; n > 0 {
			ops = append(ops, state.Put(a.keys.progress(tag), binary.BigEndian.AppendUint64(nil, n), n))
		}
		if err := index.Commit(ctx, ops...); err != nil {
			return err
		}
	}
	var recs records
	put(&recs, &register[outputState]{key: a.keys.output()}, h.output)
	put(&recs, &register[jobMeta]{key: metaKey(h.job.Name), rev: h.job.Epoch}, h.job.brief())
	return recs.commit(ctx, index)
}

// rebuildPruned makes the records of a job of which only the journal is left.
func (a *files) rebuildPruned(ctx context.Context, index state.Store, h *history) error {
	var recs records
	put(&recs, &register[sourceState]{key: a.keys.source()}, h.pruned.Source)
	if err := recs.commit(ctx, index); err != nil {
		return err
	}
	return a.rebuildRecords(ctx, index, h)
}

// records gathers what is committed at once.
type records struct {
	ops []state.Op
	err error // of the first that cannot be encoded
}

func put[V any](r *records, reg *register[V], value V) {
	op, err := reg.put(value)
	r.ops, r.err = append(r.ops, op), errors.Join(r.err, err)
}

func (r *records) commit(ctx context.Context, store state.Store) error {
	if r.err != nil {
		return r.err
	}
	return store.Commit(ctx, r.ops...)
}
