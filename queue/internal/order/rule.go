package order

import (
	"math"
	"time"
)

// Rule gives an item the urgency that orders it, lowest first.
type Rule[T any] interface {
	// Tick says that time may have passed.
	Tick()
	Urgency(v T) int64
	// Renew returns the urgency of v when it replaces old. Current is that of
	// old.
	Renew(current int64, old, v T) int64
}

// LevelKey returns the urgency of a priority, the greatest priority first.
// Unlike a minus sign it does not overflow.
func LevelKey[P ~int](p P) int64 { return ^int64(p) }

// keyLevel is the inverse of [LevelKey].
func keyLevel[P ~int](urgency int64) P { return P(^urgency) }

// timeKey returns t in nanoseconds since 1970. Times before 1678 and after 2262
// count as those years.
func timeKey(t time.Time) int64 {
	switch s := t.Unix(); {
	case s > math.MaxInt64/int64(time.Second)-1:
		return math.MaxInt64 - 1
	case s < math.MinInt64/int64(time.Second)+1:
		return math.MinInt64
	default:
		return t.UnixNano()
	}
}

// add returns a+b for b >= 0, or the largest number if that overflows.
func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// sub returns a-b, cut off at the ends of the range.
func sub(a, b int64) int64 {
	switch {
	case b > 0 && a < math.MinInt64+b:
		return math.MinInt64
	case b < 0 && a > math.MaxInt64+b:
		return math.MaxInt64
	default:
		return a - b
	}
}
