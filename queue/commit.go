package queue

import "github.com/balerhq/baler/queue/internal/rank"

// The most that one commit holds; see [Store].
const (
	commitItems = 1024
	commitBytes = 512 << 10
	pairBytes   = 16 // what a store may need in addition to a key and its value
)

// write is a change of the store.
type write struct{ keys, values [][]byte }

func (w *write) set(key, value []byte) {
	w.keys = append(w.keys, key)
	w.values = append(w.values, value)
}

// maxItems returns how many of values, at least one, one commit stores as
// items.
func (x *ackIndex) maxItems(values [][]byte) int {
	bytes := 0
	for i, v := range values {
		bytes += x.pairSize() + len(v)
		if i > 0 && (i == commitItems || bytes > commitBytes) {
			return i
		}
	}
	return len(values)
}

// maxAcks returns how many items one commit can acknowledge if each of them
// moves the head of its level.
func (x *ackIndex) maxAcks() int { return max(1, min(commitItems, commitBytes/(2*x.pairSize()))) }

// pairSize is the size of a stored item without its value.
func (x *ackIndex) pairSize() int { return len(x.keys.item(rank.Key{})) + pairBytes }
