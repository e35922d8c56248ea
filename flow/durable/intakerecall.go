package durable

import (
	"context"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/bloom"
)

// recall remembers the items that the store has. A new item is not in keys, so
// that it need not be looked up.
func (ik *intake) recall(ctx context.Context) error {
	for rec, err := range ik.store.Scan(ctx, ik.Keys.Make(jobdir.ItemKind), nil) {
		if err != nil {
			return err
		}
		ik.keys.Add(ik.Keys.HashOfItem(rec.Key))
		if ik.samples {
			continue
		}
		it, err := jobdir.DecodeItem(rec.Value)
		if err != nil {
			return err
		}
		ik.seen.add(it.Content, it.Target)
	}
	return nil
}

// forget frees what is remembered.
func (ik *intake) forget() { ik.keys, ik.seen = bloom.Filter{}, seenRequests{} }
