package state

import (
	"context"
	"errors"
)

// compareAndSwap commits what plan makes of what it reads, and lets it read
// again while others write in between. Each such time one of them has got on,
// so this ends. Without ops there is nothing to commit.
func compareAndSwap(ctx context.Context, store Store, plan func() ([]Op, error)) error {
	for {
		ops, err := plan()
		if err != nil || len(ops) == 0 {
			return err
		}
		if err := store.Commit(ctx, ops...); !errors.Is(err, ErrConflict) {
			return err
		}
	}
}

// lookup is Get for which no record is one at revision 0, so that Replace
// inserts it.
func lookup(ctx context.Context, store Store, key []byte) (Record, error) {
	r, err := store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return Record{Key: key}, nil
	}
	return r, err
}
