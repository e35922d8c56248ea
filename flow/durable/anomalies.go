package durable

import (
	"sync"

	"github.com/balerhq/baler/sink/llm"
)

// anomalies counts what this run found beside the results that it asked for.
type anomalies struct {
	mu             sync.Mutex
	unexpected     UnexpectedRows
	duplicateSpend llm.Usage
	gone           int // cached answers of other jobs that are gone by now
}

func (s *anomalies) addGone(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone += n
}

func (s *anomalies) addUnexpected(more UnexpectedRows) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unexpected = s.unexpected.add(more)
}

func (s *anomalies) addDuplicateSpend(more llm.Usage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.duplicateSpend = s.duplicateSpend.Add(more)
}

// report copies the counts into a report.
func (s *anomalies) report(r *Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Unexpected, r.DuplicateSpend, r.CacheGone = s.unexpected, s.duplicateSpend, s.gone
}
