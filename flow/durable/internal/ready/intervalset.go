package ready

import (
	"slices"
	"sort"
)

// intervalSet is a set of numbers that are mostly consecutive.
type intervalSet struct{ spans []interval }

// interval is the numbers from first to last.
type interval struct{ first, last uint64 }

// add takes O(log n) in the number of spans, except for a number that begins a
// new span between others.
func (s *intervalSet) add(n uint64) {
	i := sort.Search(len(s.spans), func(i int) bool { return s.spans[i].last+1 >= n })
	switch {
	case i == len(s.spans) || n+1 < s.spans[i].first:
		s.spans = slices.Insert(s.spans, i, interval{n, n})
	case n+1 == s.spans[i].first:
		s.spans[i].first = n
	case n == s.spans[i].last+1:
		s.spans[i].last = n
		if i+1 < len(s.spans) && s.spans[i+1].first == n+1 {
			s.spans[i].last = s.spans[i+1].last
			s.spans = slices.Delete(s.spans, i+1, i+2)
		}
	}
}

// has takes O(log n) in the number of spans.
func (s *intervalSet) has(n uint64) bool {
	i := sort.Search(len(s.spans), func(i int) bool { return s.spans[i].last >= n })
	return i < len(s.spans) && s.spans[i].first <= n
}
