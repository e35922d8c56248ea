package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Read reads a synced record into buf, growing it if need be. Safe for
// concurrent use.
func (l *Log) Read(ref Ref, buf []byte) ([]byte, error) {
	payload, err := l.read(ref, buf)
	if err != nil {
		return nil, fmt.Errorf("read %s at %d: %w", l.name(ref.File), ref.Offset, err)
	}
	return payload, nil
}

func (l *Log) read(ref Ref, buf []byte) ([]byte, error) {
	if ref.Len > MaxRecord {
		return nil, fmt.Errorf("%w: length %d", ErrDamaged, ref.Len)
	}
	f, err := l.file(ref.File)
	if err != nil {
		return nil, err
	}
	n := int(ref.Len) + header
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := f.ReadAt(buf, int64(ref.Offset)); errors.Is(err, io.EOF) { //nolint:gosec // a file's size
		return nil, torn(err)
	} else if err != nil {
		return nil, err
	}
	length, sum := binary.BigEndian.Uint32(buf), binary.BigEndian.Uint32(buf[4:])
	if length != ref.Len || checksum(buf[:4], buf[header:]) != sum {
		return nil, fmt.Errorf("%w: checksum", ErrDamaged)
	}
	return buf[:copy(buf, buf[header:])], nil // to the front, so that a caller can reuse all of it
}

// file opens a file once, and keeps it open.
func (l *Log) file(n uint32) (*os.File, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.open[n]; f != nil {
		return f, nil
	}
	if l.open == nil {
		return nil, fs.ErrClosed
	}
	f, err := l.root.Open(l.name(n))
	if err != nil {
		return nil, err
	}
	l.open[n] = f
	return f, nil
}
