package queue

// fair is the order of Fair for priorities: by level, then by virtual start.
type fair[T any] struct {
	tree   tree[T]
	shares shares[T]
	of     func(T) Priority
	seq    uint64
}

func (f *fair[T]) len() int         { return f.tree.n }
func (f *fair[T]) tick()            {}
func (f *fair[T]) at(p place) T     { return *f.tree.at(p) }
func (f *fair[T]) rank(p place) int { return f.tree.rank(p) }
func (f *fair[T]) push(v T) place   { return f.enter(levelKey(f.of(v)), v) }
func (f *fair[T]) restore(p place, v T) {
	f.shares.restore(f.shares.find(p.key, v), p, v)
	f.tree.insert(p, v)
}

// enter queues v at the end of its tenant's share in a level.
func (f *fair[T]) enter(key int64, v T) place {
	f.seq++
	return f.join(key, f.seq, v)
}

func (f *fair[T]) join(key int64, seq uint64, v T) place {
	p := place{key: key, tag: f.shares.start(f.shares.find(key, v), v), seq: seq}
	f.tree.insert(p, v)
	return p
}

func (f *fair[T]) head() *T { return f.tree.head() }

func (f *fair[T]) pop() place {
	v := *f.head()
	p := f.tree.pop()
	f.shares.served(p, v)
	return p
}

func (f *fair[T]) remove(p place) T {
	v := f.tree.remove(p)
	f.shares.removed(p, v)
	return v
}

func (f *fair[T]) update(p place, v T) place {
	return f.replace(p, levelKey(f.of(v)), v)
}

// replace puts v in the place of the item at p if it costs the same tenant the
// same, and else at the end of its tenant's share.
func (f *fair[T]) replace(p place, key int64, v T) place {
	if old := f.tree.at(p); key == p.key && f.shares.same(*old, v) {
		*old = v
		return p
	}
	f.remove(p)
	return f.join(key, p.seq, v)
}
