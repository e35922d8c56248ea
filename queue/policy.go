package queue

import (
	"github.com/balerhq/baler/queue/internal/order"
	"github.com/balerhq/baler/queue/internal/rank"
)

// Policy decides which waiting item leaves next. Make one with [Strict],
// [Aged] or [Fair] and give it to [New]. Items leave the zero Policy in the
// order of their arrival. A Policy keeps no state, so several queues may share
// one.
//
// The queue calls the functions of a policy for each item, most of them under
// its lock. They must return the same for the same item, quickly, and must not
// call the queue.
type Policy[T any] struct {
	urgency urgency[T]
	aged    bool
	tenant  func(T) string // nil unless fair
	cost    func(T) int64
}

// Strict lets the most urgent item leave first, however long others wait.
// Equals leave in the order of their arrival.
//
// By deadline, the earliest is the most urgent. Items without a deadline come
// last. Levels need no sorting as time passes: a critical deadline is always
// before a high one, and that before a normal one (see [Config.Level]).
//
// Each operation costs O(log n). Push and Pop of the four named levels cost
// O(1), unless the queue has an [Queue.Index].
func Strict[T any, U Urgency](of func(T) U) Policy[T] {
	return Policy[T]{urgency: urgencyOf(of)}
}

// Aged is [Strict] without starvation. An item is due when it arrived, less a
// head start of [Config.Aging] for each level of its priority. The item that is
// due first leaves first. So every item leaves in the end, however many more
// urgent ones keep arriving.
//
// By deadline, an item without one is due Config.Aging after its arrival.
//
// Each operation costs O(log n), and Push one reading of the clock.
func Aged[T any, U Urgency](of func(T) U) Policy[T] {
	return Policy[T]{urgency: urgencyOf(of), aged: true}
}

// Fair shares each level among tenants. Those with items in the most urgent
// level are served in proportion to their weights (see [Config.Weights]),
// measured in the unit of cost, however many items they have queued. A tenant
// that was away starts level with the others: unused share is not saved up.
// Items of one tenant leave in the order of their arrival.
//
// tenant returns the name of an item's tenant. cost returns what the item uses
// up, such as its tokens, between 1 and 2^40. A nil cost means that each item
// costs 1.
//
// By deadline, the level of an item is that of [Config.Level] and rises while
// it waits. The item then joins the end of its tenant's share in the level
// above.
//
// Each operation costs O(log n). So does a rise, which happens at most twice in
// the life of an item.
//
// The turn of an item is fixed when it is pushed. Removing an item does not
// bring forward those that its tenant queued after it.
func Fair[T any, U Urgency](of func(T) U, tenant func(T) string, cost func(T) int64) Policy[T] {
	if cost == nil {
		cost = func(T) int64 { return 1 }
	}
	return Policy[T]{urgency: urgencyOf(of), tenant: tenant, cost: cost}
}

// withDefaults gives the zero Policy an urgency.
func (p Policy[T]) withDefaults() Policy[T] {
	if p.urgency.priority == nil && p.urgency.deadline == nil {
		p.urgency.priority = func(T) Priority { return PriorityNormal }
	}
	return p
}

// order returns the fastest order. It may not find its items again.
func (p Policy[T]) order(c Config) order.Order[T] {
	switch {
	case p.tenant != nil && p.urgency.priority != nil:
		return order.NewFair(p.urgency.priority, p.tenants(c))
	case p.tenant != nil:
		return p.indexed(c, func(T, rank.Key) {})
	case p.urgency.deadline != nil:
		return order.NewHeap(p.rule(c))
	case p.aged:
		return order.NewAging(p.urgency.priority, c.Aging)
	default:
		return order.NewLevelFIFO(p.urgency.priority)
	}
}

// indexed returns an order that finds its items again. The order calls moved
// for an item whose key changes while it waits.
func (p Policy[T]) indexed(c Config, moved func(T, rank.Key)) order.Indexed[T] {
	switch {
	case p.tenant == nil:
		return order.NewTree(p.rule(c))
	case p.urgency.deadline != nil:
		levels := order.Levels[T, Priority]{Deadline: p.urgency.deadline, Level: c.Level, Rises: c.rises}
		return order.NewDeadlineFair(levels, p.tenants(c), moved)
	default:
		return order.NewFairTree(p.urgency.priority, p.tenants(c))
	}
}

func (p Policy[T]) tenants(c Config) order.Tenants[T] {
	return order.Tenants[T]{Name: p.tenant, Cost: p.cost, Weights: c.Weights}
}

func (p Policy[T]) rule(c Config) order.Rule[T] {
	switch u := p.urgency; {
	case p.aged && u.deadline != nil:
		return order.AgedDeadline(u.deadline, c.Aging)
	case p.aged:
		return order.AgedPriority(u.priority, c.Aging)
	case u.deadline != nil:
		return order.ByDeadline(u.deadline)
	default:
		return order.ByPriority(u.priority)
	}
}
