package order

import "github.com/balerhq/baler/queue/internal/rank"

// Virtual time runs in units of 1/unit of the cost of weight 1, so that
// division by a weight loses little. Higher costs count as maxCost.
const (
	maxCost = 1 << 40
	unit    = 1 << 16
)

// Tenants says how a level is shared.
type Tenants[T any] struct {
	Name    func(T) string
	Cost    func(T) int64
	Weights map[string]int // a missing tenant has weight 1
}

// charge returns the cost of v within its bounds.
func (t *Tenants[T]) charge(v T) int64 { return max(1, min(t.Cost(v), maxCost)) }

// same reports whether two items have the same tenant and cost.
func (t *Tenants[T]) same(a, b T) bool {
	return t.Name(a) == t.Name(b) && t.charge(a) == t.charge(b)
}

// shares is start-time fair queueing (Goyal, Vin, Cheng, 1996), once for each
// level. The item with the lowest virtual start leaves first. It starts where
// the previous item of its tenant ends, but not before the virtual time, which
// is the start of the item served last. It ends cost/weight after its start.
type shares[T any] struct {
	Tenants[T]
	levels table[int64, level[T]]
}

// level is the virtual time of one level and the flows in it.
type level[T any] struct {
	now    int64
	queued int
	flows  table[string, flow[T]]
}

// idle reports that only the virtual time would be lost with the level.
func (l *level[T]) idle() bool { return l.queued == 0 }

// share is the part of a level that a tenant has a claim on.
type share[T any] struct {
	level  *level[T]
	weight int64
	end    int64 // of its last item queued
	served int64 // end of its last item served
	queued int
}

// idle reports that a new share would be treated no better.
func (s *share[T]) idle() bool { return s.queued == 0 && s.end <= s.level.now }

// find returns the flow of v in a level. It begins either if there is none yet.
func (s *shares[T]) find(urgency int64, v T) *flow[T] {
	l := s.levels.get(urgency, (*level[T]).idle)
	tenant := s.Name(v)
	f := l.flows.get(tenant, func(f *flow[T]) bool { return f.idle() })
	if f.level == nil {
		f.urgency = urgency
		f.share = share[T]{level: l, weight: int64(max(1, s.Weights[tenant]))}
	}
	return f
}

// start adds v to its flow and returns its virtual start.
func (s *shares[T]) start(f *flow[T], v T) int64 {
	start := max(f.level.now, f.end)
	f.end = add(start, s.length(f, v))
	f.count(+1)
	return start
}

// restore adds v with the start that it had before.
func (s *shares[T]) restore(f *flow[T], k rank.Key, v T) {
	f.end = max(f.end, add(k.Start, s.length(f, v)))
	f.count(+1)
}

// served follows an item that leaves as the first.
func (s *shares[T]) served(k rank.Key, v T) {
	f := s.find(k.Urgency, v)
	f.served = add(k.Start, s.length(f, v))
	f.left(k.Start)
}

// left follows an item that leaves as the first and had this virtual start.
func (s *share[T]) left(start int64) {
	s.level.now = max(s.level.now, start)
	s.count(-1)
}

// removed follows an item that leaves before its turn. A tenant with nothing
// left is not charged for an item that was never served.
func (s *shares[T]) removed(k rank.Key, v T) {
	f := s.find(k.Urgency, v)
	f.count(-1)
	if f.queued == 0 {
		f.end = f.served
	}
}

// length returns how long v takes in virtual time.
func (s *shares[T]) length(f *flow[T], v T) int64 { return s.charge(v) * unit / f.weight }

// count adds d items to a share. When the last one leaves a level, no waiting
// tenant has a claim on another, and the flows of the level are forgotten.
func (s *share[T]) count(d int) {
	s.queued += d
	s.level.queued += d
	if s.level.queued == 0 {
		s.level.flows.reset()
	}
}
