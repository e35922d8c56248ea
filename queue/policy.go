package queue

// Policy decides which waiting item leaves next. Make one with [Strict],
// [Aged] or [Fair] and give it to [New]. It keeps no state, so several queues
// may share one.
type Policy[T any] struct {
	// ranked makes the order; moved is called for an item that changes its
	// place by itself.
	ranked func(c Config, moved func(T, place)) ranked[T]
	// plain, if set, makes a faster order for a queue without an index.
	plain func(c Config) order[T]
}

// order is the fastest order that need not find its items again.
func (p Policy[T]) order(c Config) order[T] {
	if p.plain != nil {
		return p.plain(c)
	}
	return p.ranked(c, func(T, place) {})
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
	u := urgencyOf(of)
	if u.deadline != nil {
		return ruled(func(Config) rule[T] { return byDeadline[T]{u.deadline} })
	}
	p := ruled(func(Config) rule[T] { return byPriority[T]{u.priority} })
	p.plain = func(Config) order[T] { return newLanes(u.priority) }
	return p
}

// Aged is [Strict] without starvation: an item is due when it arrived, less a
// head start of [Config.Aging] for each level of its priority, and the earliest
// due leaves first. So every item leaves in the end, however many more urgent
// ones keep arriving.
//
// By deadline, an item without one is due Config.Aging after its arrival.
//
// Each operation costs O(log n) and one look at the clock.
func Aged[T any, U Urgency](of func(T) U) Policy[T] {
	u := urgencyOf(of)
	if u.deadline != nil {
		return ruled(func(c Config) rule[T] {
			return &agedDeadline[T]{clock: newClock(), of: u.deadline, aging: c.Aging}
		})
	}
	return ruled(func(c Config) rule[T] {
		return &agedPriority[T]{clock: newClock(), of: u.priority, aging: c.Aging}
	})
}

func ruled[T any](rule func(Config) rule[T]) Policy[T] {
	return Policy[T]{
		ranked: func(c Config, _ func(T, place)) ranked[T] { return &sorted[T]{rule: rule(c)} },
		plain:  func(c Config) order[T] { return &heaped[T]{rule: rule(c)} },
	}
}
