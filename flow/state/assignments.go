package state

import (
	"context"
	"slices"
)

// Assignments keeps the lane of each item of a flow.Router in a Store: it is a
// router.Assignments.
//
// An item, with a key of any length, is one record of 46 bytes and the lane's
// name, which stays. Assign makes one commit of up to 128 items, on Badger one
// write that waits for the disk, and a Router makes one after the other: where
// lanes need no memory, leave it out.
//
// It is safe for concurrent use. Make it with NewAssignments.
type Assignments struct {
	store Store
	names namespace
}

// assignmentsAtOnce is how many go into one commit: as many as a Router takes
// at a time, and, whatever the lanes are called, less than MaxCommit.
const assignmentsAtOnce = 128

// NewAssignments returns the assignments in store that are kept under name,
// which may be anything: say, the job.
func NewAssignments(store Store, name string) *Assignments {
	return &Assignments{store, namespace{assignmentKind, name}}
}

// Assigned returns the lane that each key was assigned to last, or "".
func (a *Assignments) Assigned(ctx context.Context, keys []string) (lanes []string, err error) {
	lanes = make([]string, len(keys))
	for i, key := range keys {
		r, err := lookup(ctx, a.store, a.names.key(key))
		if err != nil {
			return nil, err
		}
		lanes[i] = string(r.Value)
	}
	return lanes, nil
}

// Assign records the lane of each key, which must be distinct. A name above
// MaxValue bytes is ErrTooLarge. After an error some may be recorded.
func (a *Assignments) Assign(ctx context.Context, keys, lanes []string) error {
	for keys := range slices.Chunk(keys, assignmentsAtOnce) {
		err := compareAndSwap(ctx, a.store, func() ([]Op, error) { return a.changes(ctx, keys, lanes) })
		if err != nil {
			return err
		}
		lanes = lanes[len(keys):]
	}
	return nil
}

// changes returns the writes for those keys that are not assigned to their
// lanes already.
func (a *Assignments) changes(ctx context.Context, keys, lanes []string) (ops []Op, err error) {
	for i, key := range keys {
		r, err := lookup(ctx, a.store, a.names.key(key))
		if err != nil {
			return nil, err
		}
		if string(r.Value) != lanes[i] {
			ops = append(ops, Replace(r.Key, []byte(lanes[i]), r.Rev))
		}
	}
	return ops, nil
}
