package queue

import (
	"strconv"
	"time"
)

// Priority says how urgent an item is: the greater, the sooner it leaves. Any
// integer will do. The four named levels are the fastest.
type Priority int

// The named levels. The zero value is PriorityNormal.
const (
	PriorityLow      Priority = -1
	PriorityNormal   Priority = 0
	PriorityHigh     Priority = 1
	PriorityCritical Priority = 2
)

// String returns the name of a level, or any other priority as a number.
func (p Priority) String() string {
	switch p {
	case PriorityLow:
		return "low"
	case PriorityNormal:
		return "normal"
	case PriorityHigh:
		return "high"
	case PriorityCritical:
		return "critical"
	default:
		return strconv.Itoa(int(p))
	}
}

// Urgency orders a queue: it is either a priority or a deadline. The zero time
// means that an item has no deadline.
type Urgency interface {
	Priority | int | time.Time
}

// urgency is a function that returns an [Urgency]. One of the two is set.
type urgency[T any] struct {
	priority func(T) Priority
	deadline func(T) time.Time
}

func urgencyOf[T any, U Urgency](of func(T) U) urgency[T] {
	switch of := any(of).(type) {
	case func(T) time.Time:
		return urgency[T]{deadline: of}
	case func(T) Priority:
		return urgency[T]{priority: of}
	case func(T) int:
		return urgency[T]{priority: func(v T) Priority { return Priority(of(v)) }}
	default:
		panic("queue: unreachable: Urgency has no other type")
	}
}
