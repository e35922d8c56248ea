package accumulator

import "time"

// itemMeta is what the engine must know about an item.
type itemMeta struct {
	key    string
	weight int
	limits *limits // those of the key, once they were asked for
}

// metaItems is a run of items with their metas, or without any if the stage is
// plain.
type metaItems[T any] struct {
	items []T
	metas []itemMeta
}

func (l *metaItems[T]) skip(n int) {
	l.items = l.items[n:]
	if l.metas != nil {
		l.metas = l.metas[n:]
	}
}

// metaOf takes a pointer, like place and join: an item may be large.
func (s *Stage[T]) metaOf(v *T) itemMeta {
	var n itemMeta
	if s.key != nil {
		n.key = s.key(*v)
	}
	if s.weigh != nil {
		n.weight = max(s.weigh(*v), 0)
	}
	return n
}

// annotate returns the first items of vs with their metas, which it writes to a
// place of the caller's. It calls the functions of the user, so it must not be
// called under a lock.
func (s *Stage[T]) annotate(vs []T, metas *[chunk]itemMeta) metaItems[T] {
	vs = vs[:min(chunk, len(vs))]
	for i := range vs {
		metas[i] = s.metaOf(&vs[i])
	}
	return metaItems[T]{vs, metas[:len(vs)]}
}

// fill places items until one must wait or be rejected, and returns how many
// it placed.
func (e *engine[T]) fill(l metaItems[T]) (int, error) {
	e.begin()
	for n := 0; n < len(l.items); n++ {
		var about itemMeta
		if l.metas != nil {
			about = l.metas[n]
		} else if n += e.append(l.items[n:]); n == len(l.items) {
			break
		}
		if err := e.place(&l.items[n], about); err != nil {
			return n, err
		}
	}
	return len(l.items), nil
}

// append adds as many of vs to the open batch as fit without filling it.
func (e *engine[T]) append(vs []T) int {
	b := e.open.one
	if b == nil {
		return 0
	}
	n := min(len(vs), b.lim.items-1-len(b.items))
	b.items = append(b.items, vs[:n]...)
	return n
}

// fillSince is fill for items without metas that have been waiting since born.
func (e *engine[T]) fillSince(born time.Time, vs []T) (int, error) {
	if b := e.open.one; b != nil && born.Before(b.opened) {
		b.opened = born
		e.open.deadlines.advance(b)
	}
	e.born = born
	n, err := e.fill(metaItems[T]{items: vs})
	e.born = time.Time{}
	return n, err
}
