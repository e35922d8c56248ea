package durable

import (
	"sync"

	"github.com/balerhq/baler/sink/llm"
)

// surprises are what this run met beside the results that it asked for.
type surprises struct {
	mu     sync.Mutex
	strays Strays
	waste  llm.Usage
	gone   int // answers of other jobs that were there when this one looked
}

func (s *surprises) addGone(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone += n
}

func (s *surprises) addStrays(more Strays) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strays = s.strays.add(more)
}

func (s *surprises) addWaste(more llm.Usage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waste = s.waste.Add(more)
}

// report puts what was met into a report.
func (s *surprises) report(r *Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Strays, r.Waste, r.CacheGone = s.strays, s.waste, s.gone
}
