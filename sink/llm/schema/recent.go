package schema

import "sync"

// maxRecent bounds how many lowered schemas are kept.
const maxRecent = 64

// recent keeps the schemas that were lowered lately: a run asks for the same
// one in every row.
var recent memory

type memory struct {
	mu  sync.RWMutex
	all map[*Dialect]map[string]Lowered
	n   int
}

func (m *memory) get(d *Dialect, schema []byte) (Lowered, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	l, ok := m.all[d][string(schema)]
	return l, ok
}

// put keeps a schema. Once there are too many, it begins anew.
func (m *memory) put(d *Dialect, schema []byte, l Lowered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil || m.n >= maxRecent {
		m.all, m.n = make(map[*Dialect]map[string]Lowered), 0
	}
	if m.all[d] == nil {
		m.all[d] = make(map[string]Lowered)
	}
	m.all[d][string(schema)] = l
	m.n++
}
