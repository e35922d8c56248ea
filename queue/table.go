package queue

// table keeps entries until they are idle. The zero table is empty and ready.
type table[K comparable, V any] struct {
	entries map[K]*V
	sweepAt int // entries at which to look for idle ones
}

// fewEntries are too few to be worth forgetting.
const fewEntries = 64

// get returns the entry for k, beginning it if there is none. It then forgets
// idle ones once the table has doubled since it last looked, which is O(1)
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

// reset forgets all entries. It keeps the memory of a small table.
func (t *table[K, V]) reset() {
	if t.entries == nil || len(t.entries) > fewEntries {
		t.entries = make(map[K]*V)
	}
	clear(t.entries)
	t.sweepAt = fewEntries
}
