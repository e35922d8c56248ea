package rank

// FIFO is a queue of chunks. No item ever moves, memory follows the number of
// items, and each operation takes O(1). The zero FIFO is empty and ready. Give
// it the same Chunks each time.
type FIFO[T any] struct {
	first, last *chunk[T]
	n           int
}

// Len returns the number of items.
func (f *FIFO[T]) Len() int { return f.n }

// Push adds v at the end.
func (f *FIFO[T]) Push(v T, from *Chunks[T]) {
	c := f.last
	if c == nil || c.to == len(c.items) {
		c = f.extend(from)
	}
	c.items[c.to] = v
	c.to++
	f.n++
}

func (f *FIFO[T]) extend(from *Chunks[T]) *chunk[T] {
	c := from.take(f.n)
	if f.last == nil {
		f.first = c
	} else {
		f.last.next = c
	}
	f.last = c
	return c
}

// Head returns the oldest item. The FIFO must not be empty. The pointer is
// valid until the next change.
func (f *FIFO[T]) Head() *T { return &f.first.items[f.first.from] }

// Pop removes the oldest item. The FIFO must not be empty.
func (f *FIFO[T]) Pop(to *Chunks[T]) {
	c := f.first
	var none T
	c.items[c.from] = none
	c.from++
	f.n--
	if c.from == c.to {
		f.retire(c, to)
	}
}

// retire takes the empty first chunk out of the list.
func (f *FIFO[T]) retire(c *chunk[T], to *Chunks[T]) {
	f.first = c.next
	if f.first == nil {
		f.last = nil
	}
	to.put(c)
}

// Restore puts v back in front.
func (f *FIFO[T]) Restore(v T, from *Chunks[T]) {
	if f.first == nil || f.first.from == 0 {
		c := from.take(f.n)
		c.from, c.to, c.next = len(c.items), len(c.items), f.first
		f.first = c
		if f.last == nil {
			f.last = c
		}
	}
	f.first.from--
	f.first.items[f.first.from] = v
	f.n++
}
