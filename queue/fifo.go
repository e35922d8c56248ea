package queue

// chunkLen is how many items one chunk of a fifo holds.
const chunkLen = 128

// fifo is a queue in chunks: no item ever moves, memory follows the number of
// items, and push, restore and pop take O(1). The zero fifo is empty and ready.
type fifo[T any] struct {
	first, last *chunk[T]
	n           int
	spare       []*chunk[T] // emptied chunks to use again
}

type chunk[T any] struct {
	items    [chunkLen]T
	from, to int // items[from:to] are queued
	next     *chunk[T]
}

func (f *fifo[T]) push(v T) {
	if f.last == nil || f.last.to == chunkLen {
		f.extend()
	}
	f.last.items[f.last.to] = v
	f.last.to++
	f.n++
}

func (f *fifo[T]) extend() {
	c := f.chunk()
	if f.last == nil {
		f.first = c
	} else {
		f.last.next = c
	}
	f.last = c
}

// pop takes the oldest item. The fifo must not be empty.
func (f *fifo[T]) pop() T {
	c := f.first
	v := c.items[c.from]
	clear(c.items[c.from : c.from+1])
	c.from++
	f.n--
	if c.from == c.to {
		f.retire(c)
	}
	return v
}

// retire takes the emptied first chunk out of the list.
func (f *fifo[T]) retire(c *chunk[T]) {
	f.first = c.next
	if f.first == nil {
		f.last = nil
	}
	if len(f.spare) < spares {
		c.from, c.to, c.next = 0, 0, nil
		f.spare = append(f.spare, c)
	}
}

// restore puts v back in front.
func (f *fifo[T]) restore(v T) {
	if f.first == nil || f.first.from == 0 {
		c := f.chunk()
		c.from, c.to, c.next = chunkLen, chunkLen, f.first
		f.first = c
		if f.last == nil {
			f.last = c
		}
	}
	f.first.from--
	f.first.items[f.first.from] = v
	f.n++
}

func (f *fifo[T]) chunk() *chunk[T] {
	last := len(f.spare) - 1
	if last < 0 {
		return new(chunk[T])
	}
	c := f.spare[last]
	f.spare = f.spare[:last]
	return c
}
