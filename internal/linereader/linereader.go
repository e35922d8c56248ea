// Package linereader reads lines of any length without a copy of those that fit
// into its buffer.
package linereader

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// TooLongError refuses a line.
type TooLongError struct{ Max int }

// Error says how long a line may be.
func (e *TooLongError) Error() string { return fmt.Sprintf("the line is longer than %d bytes", e.Max) }

// Reader reads the lines of a stream. It is for one goroutine.
type Reader struct {
	r    *bufio.Reader
	max  int
	long []byte // a line that does not fit into the buffer
}

// New returns a Reader with a buffer of size bytes. A line may have most bytes
// beside its end.
func New(r io.Reader, size, most int) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, size), max: most}
}

// Reset makes the Reader read another stream, nil for none.
func (r *Reader) Reset(from io.Reader) {
	r.r.Reset(from)
	if r.long = r.long[:0]; cap(r.long) > r.r.Size() {
		r.long = nil
	}
}

// Next returns the next line with its end, valid until the next call. A last
// line without an end comes together with io.EOF. The error is a *TooLongError
// for a line above the maximum, with the beginning of the line.
func (r *Reader) Next() ([]byte, error) {
	line, err := r.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return r.rest(line)
	}
	return line, err
}

func (r *Reader) rest(start []byte) ([]byte, error) {
	r.long = append(r.long[:0], start...)
	for {
		more, err := r.r.ReadSlice('\n')
		r.long = append(r.long, more...)
		if len(r.long) > r.max && len(bytes.TrimRight(r.long, "\r\n")) > r.max {
			if err == nil {
				_ = r.r.UnreadByte() // so that Skip finds the end
				r.long = r.long[:len(r.long)-1]
			}
			return r.long, &TooLongError{r.max}
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return r.long, err
		}
	}
}

// skipFactor bounds the rest of a line that is skipped, in maxima of a line.
const skipFactor = 8

// Skip passes over the rest of a line that was too long. It returns how many
// bytes that has, and io.EOF if the line has no end. If the rest is eight times
// above the maximum, the line may never end: the error is a *TooLongError
// again.
func (r *Reader) Skip() (n int64, err error) {
	for n <= skipFactor*int64(r.max) {
		rest, err := r.r.ReadSlice('\n')
		n += int64(len(rest))
		if !errors.Is(err, bufio.ErrBufferFull) {
			return n, err
		}
	}
	return n, &TooLongError{skipFactor * r.max}
}
