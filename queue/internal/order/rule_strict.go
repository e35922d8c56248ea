package order

import (
	"math"
	"time"
)

// ByPriority is the rule of Strict for priorities: the greatest first.
func ByPriority[T any, P ~int](priority func(T) P) Rule[T] { return byPriority[T, P]{priority} }

type byPriority[T any, P ~int] struct{ priority func(T) P }

func (r byPriority[T, P]) Tick()                       {}
func (r byPriority[T, P]) Urgency(v T) int64           { return LevelKey(r.priority(v)) }
func (r byPriority[T, P]) Renew(_ int64, _, v T) int64 { return r.Urgency(v) }

// ByDeadline is the rule of Strict for deadlines: the earliest first. Items
// without a deadline come last.
func ByDeadline[T any](deadline func(T) time.Time) Rule[T] { return byDeadline[T]{deadline} }

type byDeadline[T any] struct{ deadline func(T) time.Time }

func (r byDeadline[T]) Tick()                       {}
func (r byDeadline[T]) Renew(_ int64, _, v T) int64 { return r.Urgency(v) }

func (r byDeadline[T]) Urgency(v T) int64 {
	due := r.deadline(v)
	if due.IsZero() {
		return math.MaxInt64
	}
	return timeKey(due)
}
