package queue

// Policy decides which waiting item leaves next. Make one with [Strict],
// [Aged] or [Fair] and give it to [New]. It keeps no state, so several queues
// may share one.
type Policy[T any] struct {
	urgency urgency[T]
	aged    bool
	tenant  func(T) string // nil unless fair
	cost    func(T) int64
}

// Strict lets the most urgent item leave first, whatever waits behind it, and
// equals in the order of their arrival.
//
// By deadline, the most urgent is the earliest; items without a deadline come
// last. Levels need no sorting as time passes: a critical deadline is always
// before a high one, and that before a normal one (see [Config.Level]).
//
// Each operation costs O(log n); Push and Pop of the four named levels O(1),
// unless the queue has an [Queue.Index].
func Strict[T any, U Urgency](of func(T) U) Policy[T] {
	return Policy[T]{urgency: urgencyOf(of)}
}

// Aged is [Strict] without starvation: an item is due when it arrived, less a
// head start of [Config.Aging] for each level of its priority, and the earliest
// due leaves first. So every item leaves in the end, however many more urgent
// ones keep arriving.
//
// By deadline, an item without one is due Config.Aging after its arrival.
//
// Each operation costs O(log n), and Push one look at the clock.
func Aged[T any, U Urgency](of func(T) U) Policy[T] {
	return Policy[T]{urgency: urgencyOf(of), aged: true}
}

// Fair shares each level among tenants: of those that have items waiting in
// the most urgent level, each gets a part in proportion to its weight (see
// [Config.Weights]), measured in the unit of cost, however many items it has
// queued. A tenant that was away starts level with the others: unused share is
// not saved up. Items of one tenant leave in the order of their arrival.
//
// tenant names the one an item belongs to. cost is what it uses up, such as its
// tokens, between 1 and 2^40; nil means that each item costs 1.
//
// By deadline, the level of an item is that of [Config.Level] and rises while
// it waits: it then joins the end of its tenant's share in the level above.
//
// Each operation costs O(log n); a rise costs O(log n) and happens at most
// twice in the life of an item.
//
// The turn of an item is fixed when it is pushed. Removing an item does not
// bring forward those that its tenant queued after it.
func Fair[T any, U Urgency](of func(T) U, tenant func(T) string, cost func(T) int64) Policy[T] {
	if cost == nil {
		cost = func(T) int64 { return 1 }
	}
	return Policy[T]{urgency: urgencyOf(of), tenant: tenant, cost: cost}
}

// order makes the fastest order that need not find its items again.
func (p Policy[T]) order(c Config) order[T] {
	switch {
	case p.tenant != nil && p.urgency.priority != nil:
		return &fairFlows[T]{shares: p.shares(c), of: p.urgency.priority}
	case p.tenant != nil:
		return p.ranked(c, func(T, place) {})
	case p.urgency.deadline != nil:
		return &heaped[T]{rule: p.rule(c)}
	case p.aged:
		return &aged[T]{rule: newAgedPriority(p.urgency.priority, c)}
	default:
		return newLanes(p.urgency.priority)
	}
}

// ranked makes an order that finds its items again. It calls moved for an item
// that changes its place by itself.
func (p Policy[T]) ranked(c Config, moved func(T, place)) ranked[T] {
	if p.tenant == nil {
		return &sorted[T]{rule: p.rule(c)}
	}
	f := fair[T]{shares: p.shares(c), of: p.urgency.priority}
	if p.urgency.deadline != nil {
		return &rising[T]{fair: f, due: p.urgency.deadline, config: c, moved: moved}
	}
	return &f
}

func (p Policy[T]) shares(c Config) shares[T] {
	return shares[T]{tenant: p.tenant, cost: p.cost, weights: c.Weights}
}

func (p Policy[T]) rule(c Config) rule[T] {
	switch u := p.urgency; {
	case p.aged && u.deadline != nil:
		return &agedDeadline[T]{clock: newClock(), of: u.deadline, aging: c.Aging}
	case p.aged:
		return newAgedPriority(u.priority, c)
	case u.deadline != nil:
		return byDeadline[T]{u.deadline}
	default:
		return byPriority[T]{u.priority}
	}
}
