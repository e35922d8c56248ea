package rank

import "cmp"

// Key is the sort key of an item: by Urgency, then by Start, then by Seq,
// lowest first. It stays the same while the item waits. So nothing is sorted
// again as time passes, and the key finds the item in O(log n).
type Key struct {
	Urgency int64  // a negated priority, or a time in nanoseconds
	Start   int64  // virtual start among items of one Urgency, for Fair; otherwise 0
	Seq     uint64 // number of the arrival, unique
}

// Less reports whether k is before q.
func (k Key) Less(q Key) bool {
	if k.Urgency != q.Urgency {
		return k.Urgency < q.Urgency
	}
	if k.Start != q.Start {
		return k.Start < q.Start
	}
	return k.Seq < q.Seq
}

// Compare is for [slices.SortFunc].
func (k Key) Compare(q Key) int {
	return cmp.Or(cmp.Compare(k.Urgency, q.Urgency), cmp.Compare(k.Start, q.Start), cmp.Compare(k.Seq, q.Seq))
}
