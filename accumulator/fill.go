package accumulator

import "time"

// note is what the engine must know about an item.
type note struct {
	key    string
	weight int
}

// load is a run of items with their notes, or without any if the stage is
// plain.
type load[T any] struct {
	items []T
	notes []note
}

func (l *load[T]) skip(n int) {
	l.items = l.items[n:]
	if l.notes != nil {
		l.notes = l.notes[n:]
	}
}

// note takes a pointer, like place and join: an item may be large.
func (s *Stage[T]) note(v *T) note {
	var n note
	if s.key != nil {
		n.key = s.key(*v)
	}
	if s.weigh != nil {
		n.weight = max(s.weigh(*v), 0)
	}
	return n
}

// annotate returns the first items of vs with their notes, which it writes to
// a place of the caller's. It calls the functions of the user, so it must not be
// called under a lock.
func (s *Stage[T]) annotate(vs []T, notes *[chunk]note) load[T] {
	vs = vs[:min(chunk, len(vs))]
	for i := range vs {
		notes[i] = s.note(&vs[i])
	}
	return load[T]{vs, notes[:len(vs)]}
}

// fill places items until one must wait or be rejected, and returns how many
// it placed.
func (e *engine[T]) fill(l load[T]) (int, error) {
	e.begin()
	for n := 0; n < len(l.items); n++ {
		var about note
		if l.notes != nil {
			about = l.notes[n]
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

// fillSince is fill for items without notes that have been waiting since born.
func (e *engine[T]) fillSince(born time.Time, vs []T) (int, error) {
	if b := e.open.one; b != nil && born.Before(b.opened) {
		b.opened = born
		e.open.deadlines.advance(b)
	}
	e.born = born
	n, err := e.fill(load[T]{items: vs})
	e.born = time.Time{}
	return n, err
}
