package jobdir

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"iter"
	"os"
	"sync"

	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/internal/segment"
)

// A file of a batch has a label, records, and an end that counts them. Each of
// these begins with a mark. So a file that was cut between two records, or
// emptied, is recognized.
const (
	labelMark  = 'L'
	recordMark = 'r'
	endMark    = 'E'
)

// fileEnd is the last record of a file of a batch.
type fileEnd struct {
	Records int    `json:"records"`
	Sum     string `json:"sum"` // of all records
}

// fileSum detects records that are missing, repeated or in another order. Each
// record has a checksum of its own.
type fileSum struct {
	hash hash.Hash
	n    int
	last [4]byte // the checksum of the last record
}

func newFileSum() *fileSum { return &fileSum{hash: sha256.New()} }

// Castagnoli is the polynomial of all checksums.
var Castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (s *fileSum) add(parts ...[]byte) {
	var record uint32
	for _, p := range parts {
		record = crc32.Update(record, Castagnoli, p)
	}
	binary.BigEndian.PutUint32(s.last[:], record)
	s.hash.Write(s.last[:])
	s.n++
}

func (s *fileSum) end() fileEnd { return fileEnd{s.n, hex.EncodeToString(s.hash.Sum(nil)[:16])} }

// Put writes the record that the parts form together. It keeps none of them.
type Put func(parts ...[]byte) error

// recordWriters has writers that files of records share, one after the other:
// those of small batches are less than a buffer.
var recordWriters = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 64<<10) }}

// WriteRecords writes a file of records, all or nothing.
func WriteRecords(root *os.Root, name string, l Label, fill func(put Put) error) error {
	err := atomicfile.Create(root, name, func(f *os.File) error {
		w, sum := recordWriters.Get().(*bufio.Writer), newFileSum()
		defer recordWriters.Put(w)
		w.Reset(f)
		var all [][]byte
		write := func(mark byte, parts ...[]byte) error {
			all = append(append(all[:0], []byte{mark}), parts...)
			return segment.Write(w, all...)
		}
		if err := write(labelMark, l.encode()); err != nil {
			return err
		}
		err := fill(func(parts ...[]byte) error {
			sum.add(parts...)
			return write(recordMark, parts...)
		})
		if err != nil {
			return err
		}
		end, err := json.Marshal(sum.end())
		if err != nil {
			return err
		}
		if err := write(endMark, end); err != nil {
			return err
		}
		return w.Flush()
	})
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return nil
}

// Placed is a record of a file and the offset where it begins.
type Placed struct {
	At     int64
	Record []byte // valid until the next one is read
}

// ReadRecords yields the records of a file that WriteRecords wrote with this
// label. If the file is another one, or is cut, the last thing that it yields
// is an error.
func ReadRecords(root *os.Root, name string, l Label) iter.Seq2[Placed, error] {
	return func(yield func(Placed, error) bool) {
		f, err := root.Open(name)
		if err != nil {
			yield(Placed{}, err)
			return
		}
		defer f.Close()
		scan := recordScan{label: l, sum: newFileSum()}
		if more, err := scan.all(f, yield); more && err != nil {
			yield(Placed{}, err)
		}
	}
}

// recordScan is the state of reading a file of records.
type recordScan struct {
	label Label
	sum   *fileSum
	at    int64
	ended bool
}

func (s *recordScan) all(r io.Reader, yield func(Placed, error) bool) (more bool, err error) {
	for framed, err := range segment.ReadAll(r) {
		if err != nil {
			return true, err
		}
		if len(framed) == 0 || s.ended {
			return true, fmt.Errorf("%w: more follows its end", segment.ErrDamaged)
		}
		at := s.at
		s.at += segment.Overhead + int64(len(framed))
		if isRecord, err := s.take(at, framed[0], framed[1:]); err != nil {
			return true, err
		} else if isRecord && !yield(Placed{at, framed[1:]}, nil) {
			return false, nil
		}
	}
	switch {
	case s.at == 0:
		return true, fmt.Errorf("%w: it is empty", segment.ErrDamaged)
	case !s.ended:
		return true, fmt.Errorf("%w: %w", segment.ErrDamaged, errNoEnd)
	}
	return true, nil
}

// take checks a record, and reports whether it is neither the label nor the
// end.
func (s *recordScan) take(at int64, mark byte, record []byte) (bool, error) {
	switch {
	case at == 0 && mark != labelMark:
		return false, s.label.check(nil)
	case at == 0:
		return false, s.label.check(record)
	case mark == recordMark:
		s.sum.add(record)
		return true, nil
	case mark != endMark:
		return false, fmt.Errorf("%w: a record of an unknown kind", segment.ErrDamaged)
	}
	s.ended = true
	var end fileEnd
	if err := json.Unmarshal(record, &end); err != nil || end != s.sum.end() {
		return false, fmt.Errorf("%w: it holds %d records, and its end names others", segment.ErrDamaged, s.sum.n)
	}
	return false, nil
}

// OpenFile reads single records of a file, and keeps it open until another file
// is read.
type OpenFile struct {
	name string
	f    *os.File
	buf  []byte
}

// read returns the record that begins at an offset, valid until the next one is
// read. A file is opened if its first record passes the check.
func (o *OpenFile) read(root *os.Root, name string, at int64, check func(first []byte) error) (record []byte, err error) {
	if o.f == nil || o.name != name {
		if err := o.open(root, name, check); err != nil {
			return nil, err
		}
	}
	return o.at(at)
}

func (o *OpenFile) open(root *os.Root, name string, check func(first []byte) error) (err error) {
	o.Close()
	if o.f, err = root.Open(name); err != nil {
		return err
	}
	o.name = name
	first, err := o.at(0)
	if err == nil {
		err = check(first)
	}
	if err != nil {
		o.Close()
	}
	return err
}

func (o *OpenFile) at(at int64) (record []byte, err error) {
	record, err = segment.ReadAt(o.f, at, o.buf)
	if cap(record) > cap(o.buf) {
		o.buf = record
	}
	return record, err
}

// Close closes the file that is open.
func (o *OpenFile) Close() {
	if o.f != nil {
		o.f.Close()
	}
	*o = OpenFile{buf: o.buf}
}

// ReadRecord reads a record of a file that WriteRecords wrote.
func (o *OpenFile) ReadRecord(root *os.Root, name string, at int64, l Label) ([]byte, error) {
	framed, err := o.read(root, name, at, func(first []byte) error {
		if len(first) == 0 || first[0] != labelMark {
			return l.check(nil)
		}
		return l.check(first[1:])
	})
	if err != nil {
		return nil, err
	}
	if len(framed) == 0 || framed[0] != recordMark {
		return nil, fmt.Errorf("%w: no record begins at %d", segment.ErrDamaged, at)
	}
	return framed[1:], nil
}

// ReadRequest reads a record of the request log.
func (o *OpenFile) ReadRequest(a *Dir, ref segment.Ref) ([]byte, error) {
	return o.read(a.Root, RequestFile(ref.File), int64(ref.Offset), func(first []byte) error { //nolint:gosec // a file's size
		if !bytes.Equal(first, a.RequestsLabel()(ref.File)) {
			return segment.ErrLabel
		}
		return nil
	})
}
