package durable

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/sink"
)

// encodedRows are the rows of a batch as its provider gets them. A client reads
// them at least twice, first for their size. They are encoded once, and kept
// for the other times: the first ones in memory, the rest in a file. It must be
// closed.
type encodedRows struct {
	encode sink.Rows
	spill  func() (*rowFile, error) // makes the file of those that are kept

	whole  atomic.Bool // all rows are kept
	closed atomic.Bool
	mu     sync.Mutex // held by who keeps them
	kept   keptRows
}

// keptRows are rows in the order in which they were added.
type keptRows struct {
	first []sink.Row // in memory
	room  []byte     // for the next body of first
	bytes int        // that first takes, about
	rest  *rowFile   // nil if all rows are in memory
}

const (
	maxInMemory  = 1 << 20 // bytes of the rows of a batch
	perRow       = 128     // about what a row takes beside its body, in bytes
	firstRoom    = 8 << 10
	largestRoom  = 256 << 10
	spillingSize = 64 << 10 // of what is written to the file at once
)

// all yields the rows. Several goroutines may range over it.
func (e *encodedRows) all(yield func(sink.Row, error) bool) {
	switch {
	case e.whole.Load():
		e.kept.all(yield)
	case e.mu.TryLock():
		defer func() {
			e.mu.Unlock()
			if e.closed.Load() {
				e.close()
			}
		}()
		e.keep(yield)
	default: // a call that failed still holds them
		e.encode(yield)
	}
}

// keep yields the rows and keeps them. What does not fit on the disk is encoded
// again.
func (e *encodedRows) keep(yield func(sink.Row, error) bool) {
	if e.whole.Load() { // by now
		e.kept.all(yield)
		return
	}
	e.kept.drop() // those of one who did not come to the end
	isKept := true
	for row, err := range e.encode {
		if isKept = isKept && err == nil && e.kept.add(row, e.spill) == nil; !isKept {
			e.kept.drop()
		}
		if !yield(row, err) {
			return
		}
	}
	if isKept && e.kept.rest.flush() == nil {
		e.whole.Store(true)
	}
}

// close ends the use of the rows. A call that failed may still read them, and
// gets an error.
func (e *encodedRows) close() {
	e.closed.Store(true)
	if e.mu.TryLock() { // else who holds it closes
		defer e.mu.Unlock()
		e.kept.rest.close()
	}
}

// add copies a row, whose body is valid until the next one.
func (k *keptRows) add(row sink.Row, spill func() (*rowFile, error)) (err error) {
	if k.rest == nil && k.bytes+len(row.Body) <= maxInMemory {
		k.bytes += len(row.Body) + perRow
		row.Body = k.copyOf(row.Body)
		k.first = append(k.first, row)
		return nil
	}
	if k.rest == nil {
		if k.rest, err = spill(); err != nil {
			return err
		}
	}
	return k.rest.add(row)
}

func (k *keptRows) drop() {
	k.rest.close()
	*k = keptRows{}
}

func (k *keptRows) copyOf(body []byte) []byte {
	if cap(k.room)-len(k.room) < len(body) {
		k.room = make([]byte, 0, max(len(body), min(2*cap(k.room), largestRoom), firstRoom))
	}
	begin := len(k.room)
	k.room = append(k.room, body...)
	return slices.Clip(k.room[begin:])
}

func (k *keptRows) all(yield func(sink.Row, error) bool) {
	for _, row := range k.first {
		if !yield(row, nil) {
			return
		}
	}
	if k.rest != nil {
		k.rest.all(yield)
	}
}

// rowFile is a file of rows that is gone when it is closed, or when the process
// is.
type rowFile struct {
	dir  *jobdir.Dir
	name string
	f    *os.File
	w    *bufio.Writer
	size int64
	head []byte

	removed bool // it has no name any more
}

// newRowFile makes the file beside the manifest of a batch.
func newRowFile(dir *jobdir.Dir, tag string) (*rowFile, error) {
	r := &rowFile{dir: dir, name: jobdir.ManifestName(tag) + ".upload.tmp"}
	if err := r.remove(); err != nil { // that of a process that was killed
		return nil, err
	}
	f, err := atomicfile.New(dir.Root, r.name, os.O_RDWR)
	if err != nil {
		return nil, err
	}
	r.f, r.w = f, bufio.NewWriterSize(f, spillingSize)
	r.removed = r.remove() == nil // where an open file can be
	return r, nil
}

func (r *rowFile) remove() error {
	if err := r.dir.Root.Remove(r.name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (r *rowFile) add(row sink.Row) error {
	r.head = append(append(r.head[:0], row.ID...), 0)
	r.size += segment.Overhead + int64(len(r.head)+len(row.Body))
	return segment.Write(r.w, r.head, row.Body)
}

func (r *rowFile) flush() error {
	if r == nil {
		return nil
	}
	return r.w.Flush()
}

// all yields the rows. Bodies are valid until the next one.
func (r *rowFile) all(yield func(sink.Row, error) bool) {
	for record, err := range segment.ReadAll(io.NewSectionReader(r.f, 0, r.size)) {
		if err != nil {
			yield(sink.Row{}, r.dir.Damaged(r.name, err))
			return
		}
		id, body, _ := bytes.Cut(record, []byte{0})
		if !yield(sink.Row{ID: string(id), Body: body}, nil) {
			return
		}
	}
}

func (r *rowFile) close() {
	if r == nil {
		return
	}
	_ = r.f.Close() // nothing is to be kept
	if !r.removed {
		_ = r.remove()
	}
}
