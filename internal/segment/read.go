package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// readAhead is how much a Reader reads at once of records that are asked for in
// the order in which they stand.
const readAhead = 256 << 10

// nearby is how much may lie between two records that are asked for in order.
const nearby = 4 << 10

// Reader reads synced records of a Log by their Ref. It keeps one file open and
// serves one goroutine.
type Reader struct {
	log   *Log
	num   uint32
	f     *os.File // nil before the first Read
	block []byte   // of f, from at on
	at    int64
}

// NewReader returns a Reader, to be closed. It may read while others append.
func (l *Log) NewReader() *Reader { return &Reader{log: l} }

// Read returns the record, valid until the next Read.
func (r *Reader) Read(ref Ref) ([]byte, error) {
	payload, err := r.read(ref)
	if err != nil {
		return nil, fmt.Errorf("read %s at %d: %w", r.log.name(ref.File), ref.Offset, err)
	}
	return payload, nil
}

func (r *Reader) read(ref Ref) ([]byte, error) {
	if ref.Len > MaxRecord {
		return nil, fmt.Errorf("%w: length %d", ErrDamaged, ref.Len)
	}
	if err := r.open(ref.File); err != nil {
		return nil, err
	}
	at, n := int64(ref.Offset), int64(ref.Len)+header //nolint:gosec // a file's size
	if at >= r.at && at+n <= r.end() {
		if payload, err := Payload(ref, r.block[at-r.at:][:n]); err == nil {
			return payload, nil
		}
		r.block = r.block[:0] // read while it was being written
	}
	next := len(r.block) > 0 && at >= r.at && at <= r.end()+nearby
	if err := r.load(at, n, next); err != nil {
		return nil, err
	}
	return Payload(ref, r.block[:n])
}

// ReadAt returns the record at a place, valid until the next Read.
func (r *Reader) ReadAt(p Pos) ([]byte, error) {
	if err := r.open(p.File); err != nil {
		return nil, err
	}
	payload, err := ReadAt(r.f, int64(p.Offset), r.block) //nolint:gosec // a file's size
	r.block = r.block[:0]
	if err != nil {
		return nil, fmt.Errorf("read %s at %d: %w", r.log.name(p.File), p.Offset, err)
	}
	return payload, nil
}

func (r *Reader) end() int64 { return r.at + int64(len(r.block)) }

// load reads n bytes, and if it seems to be worth it those behind them.
func (r *Reader) load(at, n int64, ahead bool) error {
	want := n
	if ahead {
		want = max(n, readAhead)
	}
	if int64(cap(r.block)) < want {
		r.block = make([]byte, want)
	}
	got, err := r.f.ReadAt(r.block[:want], at)
	r.block, r.at = r.block[:got], at
	switch {
	case int64(got) >= n:
		return nil
	case errors.Is(err, io.EOF):
		return torn(err)
	}
	return err
}

// Payload returns what is in the record at a Ref.
func Payload(ref Ref, record []byte) ([]byte, error) {
	length, sum := binary.BigEndian.Uint32(record), binary.BigEndian.Uint32(record[4:])
	if length != ref.Len || checksum(record[:4], record[header:]) != sum {
		return nil, fmt.Errorf("%w: checksum", ErrDamaged)
	}
	return record[header:], nil
}

func (r *Reader) open(n uint32) error {
	if r.f != nil && r.num == n {
		return nil
	}
	if err := r.Close(); err != nil {
		return err
	}
	f, err := r.log.OpenFile(n)
	if err != nil {
		return err
	}
	r.f, r.num = f, n
	return nil
}

// OpenFile opens a file of the log for reading. One that is missing, or of
// another label, is ErrDamaged.
func (l *Log) OpenFile(n uint32) (*os.File, error) {
	f, err := l.root.Open(l.name(n))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	} else if err != nil {
		return nil, err
	}
	if err := l.checkLabel(f, n); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close closes the file. The Reader may be used again.
func (r *Reader) Close() error {
	if r.f == nil {
		return nil
	}
	err := r.f.Close()
	r.f, r.block = nil, r.block[:0]
	return err
}
