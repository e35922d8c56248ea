package durable

import (
	"errors"
	"math"
	"sync"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/journal"
)

// routes numbers the routes of a job, because every record that names one
// should be small.
type routes struct {
	journal *journal.Journal

	mu      sync.Mutex
	byIndex []jobdir.Route
	index   map[jobdir.Route]uint16
	limits  map[int]int // what a batch may weigh, in bytes, if that is less than usual
}

func newRoutes(j *journal.Journal, known []jobdir.Route) *routes {
	l := &routes{journal: j, index: make(map[jobdir.Route]uint16), limits: make(map[int]int)}
	for _, v := range known {
		l.add(v)
	}
	return l
}

func (l *routes) add(v jobdir.Route) {
	l.index[v] = uint16(len(l.byIndex)) //nolint:gosec // bounded by number
	l.byIndex = append(l.byIndex, v)
}

// number returns the route's number. A new number is written to the journal
// first.
func (l *routes) number(v jobdir.Route) (uint16, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n, ok := l.index[v]; ok {
		return n, nil
	}
	n := len(l.byIndex)
	if n > math.MaxUint16 {
		return 0, errors.New("durable: more than 65,536 pairs of endpoint and model")
	}
	if err := l.journal.Append(jobdir.Line{Route: &jobdir.NumberedRoute{N: n, Route: v}}); err != nil {
		return 0, err
	}
	l.add(v)
	return uint16(n), nil
}

func (l *routes) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.byIndex)
}

func (l *routes) get(n int) jobdir.Route {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byIndex[n]
}

func weigh(entries []jobdir.Entry) (total int) {
	for _, e := range entries {
		total += e.Weight()
	}
	return total
}

// cut returns as many of the entries as their route allows in a batch, and the
// rest.
func (l *routes) cut(entries []jobdir.Entry) (batch, rest []jobdir.Entry) {
	limit := l.limitOf(int(entries[0].Route))
	if limit == 0 {
		return entries, nil
	}
	weight := entries[0].Weight()
	for i := range entries[1:] {
		if weight += entries[i+1].Weight(); weight > limit {
			return entries[:i+1], entries[i+1:]
		}
	}
	return entries, nil
}

func (l *routes) limitOf(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limits[n]
}

// narrow lowers what a batch of the route may weigh, in bytes.
func (l *routes) narrow(n, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limits[n] = narrow(l.limits[n], bytes)
}
