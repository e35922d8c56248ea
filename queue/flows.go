package queue

// flows is an order of items that come in flows, each of which is in order by
// itself: a heap of the flows that hold any, by the places of their heads. Push
// and pop take O(log f) for f such flows, which are at most as many as items.
type flows[T any] struct {
	heads []*flow[T] // each one not after its children
	pool  chunks[stamped[T]]
	seq   uint64
	n     int
}

// stamped is an item of a flow and its place but for the key of the flow.
type stamped[T any] struct {
	tag int64
	seq uint64
	v   T
}

func (s *flows[T]) len() int { return s.n }
func (s *flows[T]) head() *T { return &s.heads[0].items.head().v }

// push adds v at the end of f. tag must not be below that of the item before.
func (s *flows[T]) push(f *flow[T], tag int64, v T) place {
	s.seq++
	s.n++
	f.items.push(stamped[T]{tag, s.seq, v}, &s.pool)
	p := place{key: f.key, tag: tag, seq: s.seq}
	if f.items.n == 1 {
		s.admit(f, p)
	}
	return p
}

// pop removes the first item and returns the flow it was in.
func (s *flows[T]) pop() (*flow[T], place) {
	f := s.heads[0]
	p := f.first
	s.n--
	f.items.pop(&s.pool)
	if f.items.n > 0 {
		next := f.items.head()
		f.first = place{key: f.key, tag: next.tag, seq: next.seq}
		s.sink(f)
		return f, p
	}
	last := len(s.heads) - 1
	moved := s.heads[last]
	s.heads[last] = nil
	s.heads = s.heads[:last]
	if last > 0 {
		s.sink(moved)
	}
	return f, p
}

// restore puts v back at p, in front of f.
func (s *flows[T]) restore(f *flow[T], p place, v T) {
	s.n++
	f.items.restore(stamped[T]{p.tag, p.seq, v}, &s.pool)
	if f.items.n == 1 {
		s.admit(f, p)
		return
	}
	f.first = p
	s.rise(f.at, f)
}

// admit takes in a flow whose only item is at p.
func (s *flows[T]) admit(f *flow[T], p place) {
	f.first = p
	s.heads = append(s.heads, f)
	s.rise(len(s.heads)-1, f)
}

// rise puts f at the free index i or above.
func (s *flows[T]) rise(i int, f *flow[T]) {
	for i > 0 && f.first.less(s.heads[(i-1)/2].first) {
		s.set(i, s.heads[(i-1)/2])
		i = (i - 1) / 2
	}
	s.set(i, f)
}

// sink puts f at the free top or below.
func (s *flows[T]) sink(f *flow[T]) {
	i := 0
	for c := 1; c < len(s.heads); c = 2*i + 1 {
		if right := c + 1; right < len(s.heads) && s.heads[right].first.less(s.heads[c].first) {
			c = right
		}
		if !s.heads[c].first.less(f.first) {
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
