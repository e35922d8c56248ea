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
	frame := frameOf(parts)
	dst = append(dst, frame[:]...)
	for _, p := range parts {
		dst = append(dst, p...)
	}
	return dst
}

// Write writes what Append appends, without a copy of the parts.
func Write(w io.Writer, parts ...[]byte) error {
	frame := frameOf(parts)
	if _, err := w.Write(frame[:]); err != nil {
		return err
	}
	for _, p := range parts {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// frameOf is what stands before a record.
func frameOf(parts [][]byte) (frame [header]byte) {
	binary.BigEndian.PutUint32(frame[:], uint32(size(parts))) //nolint:gosec // callers bound records
	binary.BigEndian.PutUint32(frame[4:], checksum(frame[:4], parts...))
	return frame
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
// one is asked for. A file that ends within a record, or holds a damaged one,
// yields ErrDamaged as its last, and r's error is yielded likewise.
func ReadAll(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		br := bufio.NewReaderSize(r, 64<<10)
		var buf []byte
		for {
			payload, err := next(br, buf)
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(payload, err) || err != nil {
				return
			}
			buf = payload[:0]
		}
	}
}

// next reads one record into buf, growing it if need be; io.EOF at the end.
func next(r io.Reader, buf []byte) ([]byte, error) {
	var h [header]byte
	if _, err := io.ReadFull(r, h[:]); errors.Is(err, io.EOF) {
		return nil, io.EOF
	} else if err != nil {
		return nil, torn(err)
	}
	n := binary.BigEndian.Uint32(h[:])
	if n > MaxRecord {
		return nil, fmt.Errorf("%w: length %d", ErrDamaged, n)
	}
	payload, err := readN(r, buf, int(n))
	if err != nil {
		return nil, torn(err)
	}
	if checksum(h[:4], payload) != binary.BigEndian.Uint32(h[4:]) {
		return nil, fmt.Errorf("%w: checksum", ErrDamaged)
	}
	return payload, nil
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
