package queue

// fifo is a queue in chunks: no item ever moves, memory follows the number of
// items, and push, restore and pop take O(1). The zero fifo is empty and ready;
// give it the same chunks each time.
type fifo[T any] struct {
	first, last *chunk[T]
	n           int
}

func (f *fifo[T]) push(v T, from *chunks[T]) {
	c := f.last
	if c == nil || c.to == len(c.items) {
		c = f.extend(from)
	}
	c.items[c.to] = v
	c.to++
	f.n++
}

func (f *fifo[T]) extend(from *chunks[T]) *chunk[T] {
	c := from.take(f.n)
	if f.last == nil {
		f.first = c
	} else {
		f.last.next = c
	}
	f.last = c
	return c
}

// head is the oldest item. The fifo must not be empty. The pointer holds until
// the next change.
func (f *fifo[T]) head() *T { return &f.first.items[f.first.from] }

// pop removes the oldest item. The fifo must not be empty.
func (f *fifo[T]) pop(to *chunks[T]) {
	c := f.first
	var none T
	c.items[c.from] = none
	c.from++
	f.n--
	if c.from == c.to {
		f.retire(c, to)
	}
}

// retire takes the emptied first chunk out of the list.
func (f *fifo[T]) retire(c *chunk[T], to *chunks[T]) {
	f.first = c.next
	if f.first == nil {
		f.last = nil
	}
	to.put(c)
}

// restore puts v back in front.
func (f *fifo[T]) restore(v T, from *chunks[T]) {
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
