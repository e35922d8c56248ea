package queue

// sorted is the order of a [rule], in a tree.
type sorted[T any] struct {
	tree tree[T]
	rule rule[T]
	seq  uint64
}

// rule gives an item the key that orders it.
type rule[T any] interface {
	tick()
	key(v T) int64
	// rekey is the key of v when it takes the place of old, whose key was key.
	rekey(key int64, old, v T) int64
}

func (s *sorted[T]) len() int { return s.tree.n }
func (s *sorted[T]) tick()    { s.rule.tick() }

func (s *sorted[T]) push(v T) place {
	s.seq++
	p := place{key: s.rule.key(v), seq: s.seq}
	s.tree.insert(p, v)
	return p
}

func (s *sorted[T]) head() *T             { return s.tree.head() }
func (s *sorted[T]) pop() place           { return s.tree.pop() }
func (s *sorted[T]) restore(p place, v T) { s.tree.insert(p, v) }
func (s *sorted[T]) at(p place) T         { return *s.tree.at(p) }
func (s *sorted[T]) rank(p place) int     { return s.tree.rank(p) }
func (s *sorted[T]) remove(p place) T     { return s.tree.remove(p) }

func (s *sorted[T]) update(p place, v T) place {
	old := s.tree.at(p)
	key := s.rule.rekey(p.key, *old, v)
	if key == p.key {
		*old = v
		return p
	}
	s.tree.remove(p)
	p.key = key
	s.tree.insert(p, v)
	return p
}
