package flow

import "cmp"

// A Strategy chooses a lane for item: it returns an index into lanes, which holds the lanes that take items now, in the
// order in which the [Router] was given them, and is never empty. A lane that has failed the item before is not in it.
// One goroutine calls a Strategy; give each Router its own.
type Strategy[In any] func(item In, lanes []LaneState) int

// InOrder always takes the first lane that takes items: the others are its fallbacks.
func InOrder[In any]() Strategy[In] {
	return func(In, []LaneState) int { return 0 }
}

// RoundRobin takes one lane after the other.
func RoundRobin[In any]() Strategy[In] {
	next := -1
	return func(_ In, lanes []LaneState) int {
		next++
		return next % len(lanes)
	}
}

// Weighted gives every lane its Weight's share of the items, evenly mixed.
func Weighted[In any]() Strategy[In] {
	credit := map[string]int{}
	return func(_ In, lanes []LaneState) int {
		total := 0
		for _, l := range lanes {
			credit[l.Name] += l.Weight
			total += l.Weight
		}
		best := least(lanes, func(l LaneState) int { return -credit[l.Name] })
		credit[lanes[best].Name] -= total
		return best
	}
}

// ByTable takes the lane that table names for key(item), and otherwise the one for keys that table does not have: a genre
// to a model, a priority to a provider. When that lane takes no items, the first that does is its fallback.
func ByTable[In any, K comparable](key func(In) K, table map[K]string, otherwise string) Strategy[In] {
	return func(item In, lanes []LaneState) int {
		name, ok := table[key(item)]
		if !ok {
			name = otherwise
		}
		return least(lanes, func(l LaneState) int {
			if l.Name == name {
				return 0
			}
			return 1
		})
	}
}

// LeastLoaded takes the lane with the least cost in flight.
func LeastLoaded[In any]() Strategy[In] {
	return func(_ In, lanes []LaneState) int { return least(lanes, func(l LaneState) float64 { return l.Load }) }
}

// Cheapest takes the lane with the lowest price.
func Cheapest[In any]() Strategy[In] {
	return func(_ In, lanes []LaneState) int { return least(lanes, func(l LaneState) float64 { return l.Price }) }
}

// Fastest takes the lane with the lowest latency, and first those that have not been measured yet.
func Fastest[In any]() Strategy[In] {
	return func(_ In, lanes []LaneState) int {
		return least(lanes, func(l LaneState) int64 { return int64(l.Latency) })
	}
}

// least returns the index of the first lane with the smallest measure.
func least[M cmp.Ordered](lanes []LaneState, measure func(LaneState) M) int {
	best := 0
	for i := range lanes {
		if measure(lanes[i]) < measure(lanes[best]) {
			best = i
		}
	}
	return best
}
