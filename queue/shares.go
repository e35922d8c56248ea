package queue

import "math"

// Costs are cut off at mostCost. Virtual time runs in units of 1/unit of the
// cost of weight 1, so that division by a weight loses little.
const (
	mostCost = 1 << 40
	unit     = 1 << 16
)

// shares is start-time fair queueing (Goyal, Vin, Cheng, 1996), once for each
// level. An item's tag is its virtual start: where its tenant's previous item
// ends, but not before the virtual time, which is the start of the item served
// last. An item ends cost/weight after its start. Lowest start first.
type shares[T any] struct {
	tenant  func(T) string
	cost    func(T) int64
	weights map[string]int
	levels  table[int64, level]
}

// level is the virtual time of one level and the flows in it.
type level struct {
	now    int64
	queued int
	flows  table[string, flow]
}

// idle tells that nothing is lost with the level but its virtual time.
func (l *level) idle() bool { return l.queued == 0 }

// flow is a tenant in a level.
type flow struct {
	end    int64 // of its last item queued
	served int64 // end of its last item served
	queued int
}

// start admits v to a level and returns its virtual start.
func (s *shares[T]) start(key int64, v T) int64 {
	l, f := s.find(key, v)
	start := max(l.now, f.end)
	f.end = add(start, s.charge(v))
	l.count(f, +1)
	return start
}

// restore admits v with the start it had before.
func (s *shares[T]) restore(p place, v T) {
	l, f := s.find(p.key, v)
	f.end = max(f.end, add(p.tag, s.charge(v)))
	l.count(f, +1)
}

// served follows an item that leaves in its turn.
func (s *shares[T]) served(p place, v T) {
	l, f := s.find(p.key, v)
	l.now = max(l.now, p.tag)
	f.served = add(p.tag, s.charge(v))
	l.count(f, -1)
}

// removed follows an item that leaves out of turn. A tenant with nothing left
// is not charged for what was never served.
func (s *shares[T]) removed(p place, v T) {
	l, f := s.find(p.key, v)
	l.count(f, -1)
	if f.queued == 0 {
		f.end = f.served
	}
}

// same tells whether two items are alike in what matters here.
func (s *shares[T]) same(a, b T) bool {
	return s.tenant(a) == s.tenant(b) && s.charge(a) == s.charge(b)
}

// charge is the virtual length of v.
func (s *shares[T]) charge(v T) int64 {
	cost := max(1, min(s.cost(v), mostCost))
	return cost * unit / int64(max(1, s.weights[s.tenant(v)]))
}

func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// find returns the level and the flow of v, and begins them if need be.
func (s *shares[T]) find(key int64, v T) (*level, *flow) {
	l := s.levels.get(key, (*level).idle)
	return l, l.flows.get(s.tenant(v), func(f *flow) bool { return f.queued == 0 && f.end <= l.now })
}

// count adds d items to a flow. When the last one leaves a level, nobody waits
// who could have a claim on another, and its flows are forgotten.
func (l *level) count(f *flow, d int) {
	f.queued += d
	l.queued += d
	if l.queued == 0 {
		l.flows.reset()
	}
}
