package durable

import (
	"fmt"
	"math"
	"sync"
)

// numbering gives numbers to the few different values of a kind that a job has,
// because every record that names one should be small.
type numbering[V comparable] struct {
	what string
	keep func(n int, v V) error // writes a new one to the journal

	mu      sync.Mutex
	byIndex []V
	index   map[V]uint16
}

func newNumbering[V comparable](what string, known []V, keep func(n int, v V) error) *numbering[V] {
	s := &numbering[V]{what: what, keep: keep, index: make(map[V]uint16)}
	for _, v := range known {
		s.add(v)
	}
	return s
}

func (s *numbering[V]) add(v V) {
	s.index[v] = uint16(len(s.byIndex)) //nolint:gosec // bounded by number
	s.byIndex = append(s.byIndex, v)
}

// number returns the number of a value. A new one is written to the journal
// first.
func (s *numbering[V]) number(v V) (uint16, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n, ok := s.index[v]; ok {
		return n, nil
	}
	n := len(s.byIndex)
	if n > math.MaxUint16 {
		return 0, fmt.Errorf("durable: more than 65,536 %s", s.what)
	}
	if err := s.keep(n, v); err != nil {
		return 0, err
	}
	s.add(v)
	return uint16(n), nil
}

func (s *numbering[V]) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byIndex)
}

// get returns the value of a number.
func (s *numbering[V]) get(n int) V {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byIndex[n]
}
