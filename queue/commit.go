package queue

// What is in one commit at most; see [Store].
const (
	commitItems = 1024
	commitBytes = 512 << 10
	pairBytes   = 16 // what a store may need beside a key and its value
)

// write is a change of the store.
type write struct{ keys, values [][]byte }

func (w *write) set(key, value []byte) {
	w.keys = append(w.keys, key)
	w.values = append(w.values, value)
}

// piece is how many of values, at least one, one commit stores as items.
func (l *ledger) piece(values [][]byte) int {
	bytes := 0
	for i, v := range values {
		bytes += l.pair() + len(v)
		if i > 0 && (i == commitItems || bytes > commitBytes) {
			return i
		}
	}
	return len(values)
}

// most is how many items one commit can mark as done, if each of them moves the
// head of its level.
func (l *ledger) most() int { return max(1, min(commitItems, commitBytes/(2*l.pair()))) }

// pair is what an item takes beside its value.
func (l *ledger) pair() int { return len(l.keys.item(place{})) + pairBytes }
