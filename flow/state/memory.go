package state

import (
	"bytes"
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Memory is a Store that forgets everything when the process ends. For tests;
// a Scan sorts the whole store. The zero Memory is empty and ready.
type Memory struct {
	mu      sync.RWMutex
	records map[string]Record
	closed  bool
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty Memory.
func NewMemory() *Memory { return &Memory{records: make(map[string]Record)} }

// Get implements Store.
func (m *Memory) Get(_ context.Context, key []byte) (Record, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return Record{}, ErrClosed
	}
	r, ok := m.records[string(key)]
	if !ok {
		return Record{}, ErrNotFound
	}
	return r, nil
}

// Commit implements Store.
func (m *Memory) Commit(ctx context.Context, ops ...Op) error {
	if err := Validate(ops); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	pending := make(map[string]Record, len(ops))
	for _, o := range ops {
		last, ok := pending[string(o.key)]
		if !ok {
			last = m.records[string(o.key)]
		}
		if !o.Admits(last.Rev) {
			return ErrConflict
		}
		pending[string(o.key)] = Record{Key: bytes.Clone(o.key), Value: bytes.Clone(o.value), Rev: o.rev}
	}
	if m.records == nil {
		m.records = make(map[string]Record)
	}
	maps.Copy(m.records, pending)
	return nil
}

// Scan implements Store.
func (m *Memory) Scan(ctx context.Context, prefix, from []byte) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		records, err := m.snapshot(prefix, from)
		if err != nil {
			yield(Record{}, err)
			return
		}
		for _, r := range records {
			if ctx.Err() != nil {
				yield(Record{}, context.Cause(ctx))
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (m *Memory) snapshot(prefix, from []byte) ([]Record, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return nil, ErrClosed
	}
	var found []Record
	for k, r := range m.records {
		if strings.HasPrefix(k, string(prefix)) && k >= string(from) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b Record) int { return bytes.Compare(a.Key, b.Key) })
	return found, nil
}

// Close implements Store.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}
