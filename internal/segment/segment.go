// Package segment keeps bulk records in append-only files, each record framed
// by its length and a CRC-32C, so that a torn or damaged one is noticed.
//
// A Log is a directory of such files to which a job appends requests and from
// which it reads them by Ref. Append and ReadAll frame and read any file, for
// records that are read in order.
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

// ErrDamaged: a record does not hold what was written.
var ErrDamaged = errors.New("segment: damaged record")

const (
	header = 4 + 4 // length, checksum
	// MaxRecord bounds one record, so that a damaged length cannot ask for
	// all of memory.
	MaxRecord = 256 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Append appends the record that the parts form together to dst.
func Append(dst []byte, parts ...[]byte) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, header)...)
	for _, p := range parts {
		dst = append(dst, p...)
	}
	payload := dst[at+header:]
	binary.BigEndian.PutUint32(dst[at:], uint32(len(payload))) //nolint:gosec // callers bound records by MaxRecord
	binary.BigEndian.PutUint32(dst[at+4:], crc32.Checksum(payload, castagnoli))
	return dst
}

// ReadAll yields the records of r in order. A slice is valid until the next
// one is asked for. A file that ends within a record, or holds a damaged one,
// yields ErrDamaged as its last.
func ReadAll(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		br := bufio.NewReaderSize(r, 1<<18)
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
	switch _, err := io.ReadFull(r, h[:]); {
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	n := binary.BigEndian.Uint32(h[:])
	if n > MaxRecord {
		return nil, fmt.Errorf("%w: length %d", ErrDamaged, n)
	}
	payload, err := readN(r, buf, int(n))
	if err != nil {
		return nil, err
	}
	return payload, verify(payload, binary.BigEndian.Uint32(h[4:]))
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
			return nil, fmt.Errorf("%w: %w", ErrDamaged, io.ErrUnexpectedEOF)
		}
	}
	return buf, nil
}

func verify(payload []byte, sum uint32) error {
	if crc32.Checksum(payload, castagnoli) != sum {
		return fmt.Errorf("%w: checksum", ErrDamaged)
	}
	return nil
}
