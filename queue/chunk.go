package queue

// chunk is a piece of a [fifo].
type chunk[T any] struct {
	items    []T
	from, to int // items[from:to] are queued
	next     *chunk[T]
}

// A chunk holds about as many items as the fifo it is for, between these. Short
// ones keep many short fifos small, long ones make long fifos fast.
const (
	shortChunk = 4
	longChunk  = 128
)

// chunks keeps some emptied chunks for the fifos that share it.
type chunks[T any] struct{ spare []*chunk[T] }

// take is an empty chunk for a fifo of n items.
func (s *chunks[T]) take(n int) *chunk[T] {
	last := len(s.spare) - 1
	if last < 0 {
		return &chunk[T]{items: make([]T, max(shortChunk, min(n, longChunk)))}
	}
	c := s.spare[last]
	s.spare = s.spare[:last]
	return c
}

// put takes back an emptied chunk, whose items are all cleared.
func (s *chunks[T]) put(c *chunk[T]) {
	if len(s.spare) < spares {
		c.from, c.to, c.next = 0, 0, nil
		s.spare = append(s.spare, c)
	}
}
