package state

import "context"

// Dedup keeps the states of flow.Dedup, Claim, Settle and Release in a Store:
// it is a dedup.States.
//
// A key, of any length, is one record, and as it must be known for ever, it
// stays: 53 bytes at most, and 70 on Badger's disk. Each call costs one read a
// key and one commit.
//
// It is safe for concurrent use. Make it with NewDedup.
type Dedup struct {
	store Store
	names namespace
}

// NewDedup returns the keys in store that are kept under name, which may be
// anything: say, the job that must not do a thing twice.
func NewDedup(store Store, name string) *Dedup {
	return &Dedup{store, namespace{dedupKind, name}}
}

// Swap gives each key in state old the state next, all in one commit, and
// returns the states that they had before. More than MaxOps are ErrTooLarge.
func (d *Dedup) Swap(ctx context.Context, keys []string, old, next string) (were []string, err error) {
	err = compareAndSwap(ctx, d.store, func() (ops []Op, err error) {
		were, ops, err = d.swap(ctx, keys, old, next)
		return ops, err
	})
	if err != nil {
		return nil, err
	}
	return were, nil
}

// swap is what a Swap would do now. A key that is there twice meets its own
// new state, not a conflict that never ends.
func (d *Dedup) swap(ctx context.Context, keys []string, old, next string) (were []string, ops []Op, err error) {
	were, swapped := make([]string, len(keys)), make(map[string]bool, len(keys))
	for i, key := range keys {
		if swapped[key] {
			were[i] = next
			continue
		}
		r, err := lookup(ctx, d.store, d.names.key(key))
		if err != nil {
			return nil, nil, err
		}
		if were[i] = string(r.Value); were[i] == old {
			ops = append(ops, Replace(r.Key, []byte(next), r.Rev))
			swapped[key] = true
		}
	}
	return were, ops, nil
}
