package router

import "cmp"

// A Strategy chooses a route for item: it returns an index into routes, which
// holds the routes that take items now, in the order in which the [Router] was
// given them, and is never empty. A route that has failed the item before is
// not in it. One goroutine calls a Strategy; give each Router its own.
type Strategy[In any] func(item In, routes []State) int

// InOrder always takes the first route that takes items: the others are its
// fallbacks.
func InOrder[In any]() Strategy[In] {
	return func(In, []State) int { return 0 }
}

// RoundRobin takes one route after the other.
func RoundRobin[In any]() Strategy[In] {
	next := -1
	return func(_ In, routes []State) int {
		next++
		return next % len(routes)
	}
}

// Weighted gives every route its Weight's share of the items, evenly mixed.
func Weighted[In any]() Strategy[In] {
	credit := map[string]int{}
	return func(_ In, routes []State) int {
		total := 0
		for _, l := range routes {
			credit[l.Name] += l.Weight
			total += l.Weight
		}
		best := least(routes, func(l State) int { return -credit[l.Name] })
		credit[routes[best].Name] -= total
		return best
	}
}

// ByTable takes the route that table names for key(item), and otherwise the one
// for keys that table does not have: a genre to a model, a priority to a
// provider. When that route takes no items, the first that does is its
// fallback.
func ByTable[In any, K comparable](key func(In) K, table map[K]string, otherwise string) Strategy[In] {
	return func(item In, routes []State) int {
		name, ok := table[key(item)]
		if !ok {
			name = otherwise
		}
		return least(routes, func(l State) int {
			if l.Name == name {
				return 0
			}
			return 1
		})
	}
}

// LeastLoaded takes the route with the least cost in flight.
func LeastLoaded[In any]() Strategy[In] {
	return func(_ In, routes []State) int { return least(routes, func(l State) float64 { return l.Load }) }
}

// Cheapest takes the route with the lowest price.
func Cheapest[In any]() Strategy[In] {
	return func(_ In, routes []State) int { return least(routes, func(l State) float64 { return l.Price }) }
}

// Fastest takes the route with the lowest latency, and first those that have
// not been measured yet.
func Fastest[In any]() Strategy[In] {
	return func(_ In, routes []State) int {
		return least(routes, func(l State) int64 { return int64(l.Latency) })
	}
}

// least returns the index of the first route with the smallest measure.
func least[M cmp.Ordered](routes []State, measure func(State) M) int {
	best := 0
	for i := range routes {
		if measure(routes[i]) < measure(routes[best]) {
			best = i
		}
	}
	return best
}
