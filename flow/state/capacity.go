package state

import (
	"context"
	"fmt"
	"slices"
)

// Capacity keeps the reservations of ratelimit.Capacity in a Store. It is a
// ratelimit.Store: each lane is a value that is replaced as a whole.
//
// A lane takes one record per 4 KiB of its value, or of the largest it once
// was, of 47 bytes and the value. As a reservation is about 60 bytes and its
// name, one record holds some 50. A released one leaves the value, and the
// records are written over: what is kept does not grow with time. A value may
// have 512 KiB; what is larger is ErrTooLarge.
//
// It is safe for concurrent use, by several Capacities of one Store as well.
// Make it with NewCapacity.
type Capacity struct {
	store Store
	names namespace
}

// NewCapacity returns the lanes in store that are kept under name, which may be
// anything: say, the account whose limits they are.
func NewCapacity(store Store, name string) *Capacity {
	return &Capacity{store, namespace{capacityKind, name}}
}

// maxPieces keeps a value within one commit.
const maxPieces = 128

// Update replaces the value under lane, nil if there is none, by what change
// returns, or returns its error and writes nothing. It calls change again when
// another Update came in between.
func (c *Capacity) Update(ctx context.Context, lane string, change func(old []byte) ([]byte, error)) error {
	key := c.names.key(lane)
	return compareAndSwap(ctx, c.store, func() ([]Op, error) {
		old, revs, err := c.read(ctx, key)
		if err != nil {
			return nil, err
		}
		value, err := change(old)
		if err != nil {
			return nil, err
		}
		if len(value) > maxPieces*MaxValue {
			return nil, tooLarge("lane of %d bytes", len(value), maxPieces*MaxValue)
		}
		return overwrite(key, value, revs), nil
	})
}

// read joins the pieces of a value, as they are at one moment.
func (c *Capacity) read(ctx context.Context, key []byte) (value []byte, revs []uint64, err error) {
	for r, err := range c.store.Scan(ctx, key, nil) {
		if err != nil {
			return nil, nil, err
		}
		if int(r.Key[len(r.Key)-1]) != len(revs) {
			return nil, nil, fmt.Errorf("%w: %x lacks piece %d", ErrDamaged, key, len(revs))
		}
		value = append(value, r.Value...)
		revs = append(revs, r.Rev)
	}
	return value, revs, nil
}

// overwrite writes value over the pieces that were read: over all of them, so
// that of two writers one meets a conflict. Those that value no longer needs
// become empty.
func overwrite(key, value []byte, revs []uint64) []Op {
	var ops []Op
	for i := 0; i < len(revs) || len(value) > 0; i++ {
		var rev uint64
		if i < len(revs) {
			rev = revs[i]
		}
		n := min(len(value), MaxValue)
		ops = append(ops, Replace(append(slices.Clip(key), byte(i)), value[:n], rev))
		value = value[n:]
	}
	return ops
}
