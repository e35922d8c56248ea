// Package segment keeps bulk records in append-only files, each record framed
// by its length and a CRC-32C over both, so that a torn or damaged one is
// noticed.
//
// A Log is a directory of such files. A job appends requests to it and reads
// them by Ref. Append and ReadAll frame and read any file whose records are
// read in order.
package segment

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"sync"
)

// ErrDamaged means that a record does not hold what was written.
var ErrDamaged = errors.New("segment: damaged record")

const (
	header = 4 + 4 // length, checksum
	// MaxRecord bounds one record, so that a damaged length cannot ask for
	// all of memory.
	MaxRecord = 256 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Append appends the record that the parts form together to dst. The caller
// bounds it by MaxRecord.
func Append(dst []byte, parts ...[]byte) []byte {
	dst = appendHeader(dst, parts)
	for _, p := range parts {
		dst = append(dst, p...)
	}
	return dst
}

// Write writes what Append appends, without a copy of the parts.
func Write(w *bufio.Writer, parts ...[]byte) error {
	if _, err := w.Write(appendHeader(w.AvailableBuffer(), parts)); err != nil {
		return err
	}
	for _, p := range parts {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// appendHeader appends what stands before a record.
func appendHeader(dst []byte, parts [][]byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(size(parts))) //nolint:gosec // callers bound records
	return binary.BigEndian.AppendUint32(dst, checksum(dst[len(dst)-4:], parts...))
}

func size(parts [][]byte) (n int) {
	for _, p := range parts {
		n += len(p)
	}
	return n
}

// checksum covers the length too: of nothing it is not zero, so that a hole in
// a file is not a row of empty records.
func checksum(length []byte, payload ...[]byte) uint32 {
	sum := crc32.Checksum(length, castagnoli)
	for _, p := range payload {
		sum = crc32.Update(sum, castagnoli, p)
	}
	return sum
}

// ReadAll yields the records of r in order. A slice is valid until the next
// one is asked for, or the loop ends. A file that ends within a record, or holds a damaged one,
// yields ErrDamaged as its last, and r's error is yielded likewise.
func ReadAll(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		s := reading{r: readers.Get().(*bufio.Reader)}
		s.r.Reset(r)
		defer func() {
			s.r.Reset(nil)
			readers.Put(s.r)
		}()
		for {
			payload, err := s.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(payload, err) || err != nil {
				return
			}
		}
	}
}

// readBuffer is the size of what ReadAll reads at once. Records that fit into
// it are not copied.
const readBuffer = 64 << 10

// readers has the buffers of ReadAll, since many files have less than one.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBuffer) }}

// reading is the state of ReadAll.
type reading struct {
	r     *bufio.Reader
	given int    // bytes at the front of r that the last record was a part of
	large []byte // for a record that does not fit into r
}

// next returns one record; io.EOF at the end.
func (s *reading) next() ([]byte, error) {
	_, _ = s.r.Discard(s.given) // which r has
	s.given = 0
	head, err := s.r.Peek(header)
	switch {
	case len(head) == 0 && errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil:
		return nil, torn(err)
	}
	ref := Ref{Len: binary.BigEndian.Uint32(head)}
	if ref.Len > MaxRecord {
		return nil, fmt.Errorf("%w: length %d", ErrDamaged, ref.Len)
	}
	record, err := s.record(header + int(ref.Len))
	if err != nil {
		return nil, torn(err)
	}
	return Payload(ref, record)
}

// record returns the next n bytes.
func (s *reading) record(n int) (record []byte, err error) {
	if n <= s.r.Size() {
		s.given = n
		return s.r.Peek(n)
	}
	s.large, err = readN(s.r, s.large[:0], n)
	return s.large, err
}

// torn tells a file that ends too early from one that cannot be read.
func torn(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it is cut off", ErrDamaged)
	}
	return fmt.Errorf("segment: read: %w", err)
}

// readN believes a length only as far as bytes arrive.
func readN(r io.Reader, buf []byte, n int) ([]byte, error) {
	const step = 1 << 20
	for len(buf) < n {
		at, more := len(buf), min(n-len(buf), step)
		if cap(buf) < at+more {
			buf = append(buf, make([]byte, more)...)
		}
		buf = buf[:at+more]
		if _, err := io.ReadFull(r, buf[at:]); err != nil {
			return nil, err
		}
	}
	return buf, nil
}
