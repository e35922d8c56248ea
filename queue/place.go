package queue

import "cmp"

// place is where an item stands: by key, then by tag, then by seq, lowest
// first. It stays the same while the item waits, so time may pass without
// anything being sorted again, and it finds the item in O(log n).
type place struct {
	key int64  // urgency: a negated priority or a time in nanoseconds
	tag int64  // virtual start within the key, for Fair; otherwise 0
	seq uint64 // order of arrival, unique
}

func (p place) less(q place) bool {
	if p.key != q.key {
		return p.key < q.key
	}
	if p.tag != q.tag {
		return p.tag < q.tag
	}
	return p.seq < q.seq
}

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.key, q.key), cmp.Compare(p.tag, q.tag), cmp.Compare(p.seq, q.seq))
}
