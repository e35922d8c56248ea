package order

// table keeps entries until they are idle. The zero table is empty and ready.
type table[K comparable, V any] struct {
	entries map[K]*V
	sweepAt int // number of entries at which idle ones are removed
}

// fewEntries is a size that is not worth sweeping.
const fewEntries = 64

// get returns the entry for k and adds it if there is none. It removes idle
// entries once the table has doubled since the last sweep, which is O(1)
// amortised.
func (t *table[K, V]) get(k K, idle func(*V) bool) *V {
	if v := t.entries[k]; v != nil {
		return v
	}
	if t.entries == nil {
		t.reset()
	}
	if len(t.entries) >= t.sweepAt {
		for k, v := range t.entries {
			if idle(v) {
				delete(t.entries, k)
			}
		}
		t.sweepAt = 2*len(t.entries) + fewEntries
	}
	v := new(V)
	t.entries[k] = v
	return v
}

// reset removes all entries. It keeps the memory of a small table.
func (t *table[K, V]) reset() {
	if t.entries == nil || len(t.entries) > fewEntries {
		t.entries = make(map[K]*V)
	}
	clear(t.entries)
	t.sweepAt = fewEntries
}
