package durable

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// stallAfter is how long nothing has to move before that is reported. It may
// mean nothing, since a provider may take a day.
const stallAfter = 10 * time.Minute

// stall records since when nothing has moved: no batch took a step, no row was
// read or settled, no count at the provider has changed.
type stall struct {
	mu    sync.Mutex
	since time.Time
	next  time.Duration // after since: when it is reported next
}

// end records that something has moved. It returns true if a stall had been
// reported.
func (s *stall) end(now time.Time) (reported bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reported = s.next > stallAfter
	s.since, s.next = now, stallAfter
	return reported
}

// due returns since when nothing has moved, and whether that is due to be
// reported: after ten minutes, twenty, forty, and so on.
func (s *stall) due(now time.Time) (since time.Time, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.since) < s.next {
		return s.since, false
	}
	s.next *= 2
	return s.since, true
}

// shownBatches is how many batches a notice names.
const shownBatches = 3

// standstill names the batches that have waited longest.
func standstill(open []OpenBatch) string {
	var names []string
	for _, b := range open[:min(shownBatches, len(open))] {
		names = append(names, b.describe())
	}
	if more := len(open) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("%d open: %s", len(open), strings.Join(names, ", "))
}

func (b *OpenBatch) describe() string {
	name, state := b.Batch, b.State
	if name == "" {
		name = b.Tag
	}
	if b.Phase != "" {
		state = truncate(b.Phase, maxCode)
	}
	text := fmt.Sprintf("batch %s %s", name, state)
	if b.Phase != "" {
		text += fmt.Sprintf(", %d of %d rows", b.Ran, b.Rows)
	}
	if !b.SentAt.IsZero() {
		text += ", sent " + b.SentAt.Local().Format(time.DateTime)
	}
	return text
}
