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
	levels  table[int64, level[T]]
}

// level is the virtual time of one level and the flows in it.
type level[T any] struct {
	now    int64
	queued int
	flows  table[string, flow[T]]
}

// idle tells that nothing is lost with the level but its virtual time.
func (l *level[T]) idle() bool { return l.queued == 0 }

// share is the part of a level that a tenant has a claim on.
type share[T any] struct {
	level  *level[T]
	weight int64
	end    int64 // of its last item queued
	served int64 // end of its last item served
	queued int
}

// idle tells that a new share would be treated no better.
func (s *share[T]) idle() bool { return s.queued == 0 && s.end <= s.level.now }

// find returns the flow of v in a level, and begins both if need be.
func (s *shares[T]) find(key int64, v T) *flow[T] {
	l := s.levels.get(key, (*level[T]).idle)
	tenant := s.tenant(v)
	f := l.flows.get(tenant, func(f *flow[T]) bool { return f.idle() })
	if f.level == nil {
		f.key = key
		f.share = share[T]{level: l, weight: int64(max(1, s.weights[tenant]))}
	}
	return f
}

// start admits v to its flow and returns its virtual start.
func (s *shares[T]) start(f *flow[T], v T) int64 {
	start := max(f.level.now, f.end)
	f.end = add(start, s.length(f, v))
	f.count(+1)
	return start
}

// restore admits v with the start it had before.
func (s *shares[T]) restore(f *flow[T], p place, v T) {
	f.end = max(f.end, add(p.tag, s.length(f, v)))
	f.count(+1)
}

// served follows an item that leaves in its turn.
func (s *shares[T]) served(p place, v T) {
	f := s.find(p.key, v)
	f.served = add(p.tag, s.length(f, v))
	f.left(p.tag)
}

// left follows an item that started at start and leaves in its turn.
func (s *share[T]) left(start int64) {
	s.level.now = max(s.level.now, start)
	s.count(-1)
}

// removed follows an item that leaves out of turn. A tenant with nothing left
// is not charged for what was never served.
func (s *shares[T]) removed(p place, v T) {
	f := s.find(p.key, v)
	f.count(-1)
	if f.queued == 0 {
		f.end = f.served
	}
}

// same tells whether two items are alike in what matters here.
func (s *shares[T]) same(a, b T) bool {
	return s.tenant(a) == s.tenant(b) && s.charge(a) == s.charge(b)
}

// charge is the cost of v within its bounds.
func (s *shares[T]) charge(v T) int64 { return max(1, min(s.cost(v), mostCost)) }

// length is how long v takes in virtual time.
func (s *shares[T]) length(f *flow[T], v T) int64 { return s.charge(v) * unit / f.weight }

// count adds d items to a share. When the last one leaves a level, nobody waits
// who could have a claim on another, and its flows are forgotten.
func (s *share[T]) count(d int) {
	s.queued += d
	s.level.queued += d
	if s.level.queued == 0 {
		s.level.flows.reset()
	}
}

func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
