package rank

// chunk is a piece of a [FIFO].
type chunk[T any] struct {
	items    []T
	from, to int // items[from:to] are queued
	next     *chunk[T]
}

// A new chunk is about as long as its FIFO, within these bounds. Short chunks
// keep many short FIFOs small, long chunks make a long FIFO fast.
const (
	shortChunk = 4
	longChunk  = 128
)

// Chunks is a free list that several FIFOs share.
type Chunks[T any] struct{ free []*chunk[T] }

// take returns an empty chunk for a FIFO of n items.
func (s *Chunks[T]) take(n int) *chunk[T] {
	last := len(s.free) - 1
	if last < 0 {
		return &chunk[T]{items: make([]T, max(shortChunk, min(n, longChunk)))}
	}
	c := s.free[last]
	s.free = s.free[:last]
	return c
}

// put takes back an empty chunk whose items are all cleared.
func (s *Chunks[T]) put(c *chunk[T]) {
	if len(s.free) < maxFree {
		c.from, c.to, c.next = 0, 0, nil
		s.free = append(s.free, c)
	}
}
