package source

import (
	"errors"
	"iter"
)

// Seq yields the items of a sequence. It cannot resume: a job that is run again
// begins it anew, and knows the items that it has had by their keys.
func Seq[T any](name string, seq iter.Seq[T]) *Sequence[T] {
	return &Sequence[T]{name: name, seq: seq}
}

// Sequence is the source that Seq returns.
type Sequence[T any] struct {
	name string
	seq  iter.Seq[T]
	n    int
}

// Items yields the items.
func (s *Sequence[T]) Items() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v := range s.seq {
			s.n++
			if !yield(v, nil) {
				return
			}
		}
	}
}

// Position is the name and the number of the item yielded last.
func (s *Sequence[T]) Position() (name string, line int) { return s.name, s.n }

// Checkpoint is "": there is none.
func (s *Sequence[T]) Checkpoint() string { return "" }

// Resume always fails.
func (s *Sequence[T]) Resume(string) error { return errors.New("source: a sequence cannot resume") }
