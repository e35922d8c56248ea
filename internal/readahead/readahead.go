// Package readahead lets a sequence run ahead of the loop that reads it, on
// another processor.
package readahead

import "iter"

// These limit a piece of what is read ahead. There are two: one is read while
// the other is filled.
const (
	pieceLen  = 512
	pieceSize = 1 << 20

	firstLen = 64 // values that a new piece has room for
)

// Seq yields what seq yields. Seq runs in a goroutine of its own, which ends
// before the loop does. Size is that of a value in bytes: after a piece that is
// large because one value is, seq goes on when the loop is done with it. So no
// two values of 2 MiB are in memory at a time, and otherwise at most 4 MiB or
// 1,024 values.
//
// Values that seq yields must stay as they are. A panic of seq is one of the
// loop, and so is a runtime.Goexit.
func Seq[T any](seq iter.Seq[T], size func(*T) int) iter.Seq[T] {
	return func(yield func(T) bool) {
		a := ahead[T]{
			full: make(chan []T), free: make(chan []T, 2),
			stop: make(chan struct{}), ended: make(chan struct{}),
		}
		a.free <- make([]T, 0, firstLen)
		a.free <- make([]T, 0, firstLen)
		go a.fill(seq, size)
		defer a.end()
		for piece := range a.full {
			for _, v := range piece {
				if !yield(v) {
					return
				}
			}
			clear(piece)
			a.free <- piece[:0]
		}
	}
}

// ahead is what the two goroutines of Seq share.
type ahead[T any] struct {
	full, free  chan []T
	stop, ended chan struct{}
	panicked    any // of seq, once ended is closed
}

// fill runs seq. The loop must not take what seq did not come to for the end.
func (a *ahead[T]) fill(seq iter.Seq[T], size func(*T) int) {
	defer close(a.ended)
	defer close(a.full)
	returned := false
	defer func() {
		if a.panicked = recover(); a.panicked == nil && !returned {
			a.panicked = "readahead: the sequence called runtime.Goexit"
		}
	}()
	a.run(seq, size)
	returned = true
}

func (a *ahead[T]) run(seq iter.Seq[T], size func(*T) int) {
	piece, bytes := <-a.free, 0
	for v := range seq {
		piece = append(piece, v)
		if bytes += size(&piece[len(piece)-1]); len(piece) < pieceLen && bytes < pieceSize {
			continue
		}
		if !a.send(piece) || bytes > 2*pieceSize && !a.awaitRead() {
			return
		}
		select {
		case piece = <-a.free:
			bytes = 0
		case <-a.stop:
			return
		}
	}
	if len(piece) > 0 {
		a.send(piece)
	}
}

func (a *ahead[T]) send(piece []T) (wanted bool) {
	select {
	case a.full <- piece:
		return true
	case <-a.stop:
		return false
	}
}

// awaitRead waits until both pieces are free.
func (a *ahead[T]) awaitRead() (wanted bool) {
	var pieces [2][]T
	for i := range pieces {
		select {
		case pieces[i] = <-a.free:
		case <-a.stop:
			return false
		}
	}
	for _, p := range pieces {
		a.free <- p
	}
	return true
}

// end ends the goroutine of fill and waits for it.
func (a *ahead[T]) end() {
	close(a.stop)
	<-a.ended
	if a.panicked != nil {
		panic(a.panicked)
	}
}
