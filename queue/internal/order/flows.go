package order

import "github.com/balerhq/baler/queue/internal/rank"

// flows orders items that come in flows: a heap of the flows that hold any, by
// their first keys. Push and pop take O(log f) for f such flows.
type flows[T any] struct {
	heads  []*flow[T] // each one not after its children
	chunks rank.Chunks[entry[T]]
	seq    uint64
	n      int
}

func (s *flows[T]) Len() int { return s.n }
func (s *flows[T]) Head() *T { return &s.heads[0].items.Head().v }

// push adds v at the end of f. start must not be below that of the item before.
func (s *flows[T]) push(f *flow[T], start int64, v T) rank.Key {
	s.seq++
	s.n++
	f.items.Push(entry[T]{start, s.seq, v}, &s.chunks)
	k := rank.Key{Urgency: f.urgency, Start: start, Seq: s.seq}
	if f.items.Len() == 1 {
		s.insert(f, k)
	}
	return k
}

// pop removes the first item and returns its flow.
func (s *flows[T]) pop() (*flow[T], rank.Key) {
	f := s.heads[0]
	k := f.first
	s.n--
	f.items.Pop(&s.chunks)
	if f.items.Len() > 0 {
		next := f.items.Head()
		f.first = rank.Key{Urgency: f.urgency, Start: next.start, Seq: next.seq}
		s.down(f)
		return f, k
	}
	last := len(s.heads) - 1
	moved := s.heads[last]
	s.heads[last] = nil
	s.heads = s.heads[:last]
	if last > 0 {
		s.down(moved)
	}
	return f, k
}

// restore puts v back at k, in front of f.
func (s *flows[T]) restore(f *flow[T], k rank.Key, v T) {
	s.n++
	f.items.Restore(entry[T]{k.Start, k.Seq, v}, &s.chunks)
	if f.items.Len() == 1 {
		s.insert(f, k)
		return
	}
	f.first = k
	s.up(f.at, f)
}

// insert adds a flow whose only item is at k.
func (s *flows[T]) insert(f *flow[T], k rank.Key) {
	f.first = k
	s.heads = append(s.heads, f)
	s.up(len(s.heads)-1, f)
}

// up puts f at the free index i or above.
func (s *flows[T]) up(i int, f *flow[T]) {
	for i > 0 && f.first.Less(s.heads[(i-1)/2].first) {
		s.set(i, s.heads[(i-1)/2])
		i = (i - 1) / 2
	}
	s.set(i, f)
}

// down puts f at the free top or below.
func (s *flows[T]) down(f *flow[T]) {
	i := 0
	for c := 1; c < len(s.heads); c = 2*i + 1 {
		if right := c + 1; right < len(s.heads) && s.heads[right].first.Less(s.heads[c].first) {
			c = right
		}
		if !s.heads[c].first.Less(f.first) {
			break
		}
		s.set(i, s.heads[c])
		i = c
	}
	s.set(i, f)
}

func (s *flows[T]) set(i int, f *flow[T]) {
	s.heads[i] = f
	f.at = i
}
