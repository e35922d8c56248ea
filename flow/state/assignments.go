package state

import "context"

// Assignments keeps the lane of each item of a flow.Router in a Store: it is a
// flow.Assignments.
//
// An item, with a key of any length, is one record of 46 bytes and the lane's
// name, which stays. Assign is one commit, on Badger one write that waits for
// the disk, and a Router makes one after the other: where lanes need no memory,
// leave it out.
//
// It is safe for concurrent use. Make it with NewAssignments.
type Assignments struct {
	store Store
	names namespace
}

// NewAssignments returns the assignments in store that are kept under name,
// which may be anything: say, the job.
func NewAssignments(store Store, name string) *Assignments {
	return &Assignments{store, namespace{assignmentKind, name}}
}

// Assigned returns the lane that key was assigned to last, or "".
func (a *Assignments) Assigned(ctx context.Context, key string) (lane string, err error) {
	r, err := lookup(ctx, a.store, a.names.key(key))
	return string(r.Value), err
}

// Assign records that key is assigned to lane. A name above MaxValue bytes is
// ErrTooLarge.
func (a *Assignments) Assign(ctx context.Context, key, lane string) error {
	return revise(ctx, a.store, func() ([]Op, error) {
		r, err := lookup(ctx, a.store, a.names.key(key))
		if err != nil || string(r.Value) == lane {
			return nil, err
		}
		return []Op{Replace(r.Key, []byte(lane), r.Rev)}, nil
	})
}
