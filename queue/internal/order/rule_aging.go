package order

import (
	"math"
	"time"
)

// AgedPriority is the rule of Aged for priorities: an item is due when it
// arrived, less the head start of its priority. The difference between two
// items does not change as they grow older, so the due time orders them.
func AgedPriority[T any, P ~int](priority func(T) P, aging time.Duration) Rule[T] {
	return newAgedPriority(priority, aging)
}

type agedPriority[T any, P ~int] struct {
	clock
	priority func(T) P
	aging    time.Duration
}

func newAgedPriority[T any, P ~int](priority func(T) P, aging time.Duration) *agedPriority[T, P] {
	return &agedPriority[T, P]{clock: newClock(), priority: priority, aging: aging}
}

func (r *agedPriority[T, P]) Urgency(v T) int64 { return sub(r.time(), r.headStart(v)) }

func (r *agedPriority[T, P]) Renew(current int64, old, v T) int64 {
	if r.priority(old) == r.priority(v) {
		return current
	}
	return sub(sub(current, -r.headStart(old)), r.headStart(v))
}

// headStart is limited to half of the range of an urgency.
func (r *agedPriority[T, P]) headStart(v T) int64 {
	const most = math.MaxInt64 / 2
	p := int64(r.priority(v))
	if limit := most / int64(r.aging); p > limit || p < -limit {
		p = max(min(p, limit), -limit)
	}
	return p * int64(r.aging)
}

// AgedDeadline is the rule of Aged for deadlines: an item without one is due
// that long after its arrival.
func AgedDeadline[T any](deadline func(T) time.Time, aging time.Duration) Rule[T] {
	return &agedDeadline[T]{clock: newClock(), deadline: deadline, aging: aging}
}

type agedDeadline[T any] struct {
	clock
	deadline func(T) time.Time
	aging    time.Duration
}

func (r *agedDeadline[T]) Urgency(v T) int64 {
	if due := r.deadline(v); !due.IsZero() {
		return timeKey(due)
	}
	return sub(r.time(), -int64(r.aging))
}

func (r *agedDeadline[T]) Renew(current int64, old, v T) int64 {
	if r.deadline(old).Equal(r.deadline(v)) {
		return current
	}
	return r.Urgency(v)
}
