package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/balerhq/baler/internal/atomicfile"
)

// Ref says where in a Log a record stands.
type Ref struct {
	File   uint32
	Offset uint64
	Len    uint32 // of the payload
}

// Log is a directory of segment files. One goroutine may append while others
// read; what Sync has returned for survives power failure.
type Log struct {
	root *os.Root
	dir  string
	max  int64 // bytes at which a file is full

	cur  *os.File
	num  uint32
	size int64
	buf  []byte // appended, not yet written

	mu   sync.Mutex
	open map[uint32]*os.File
}

// flushAt bounds the bytes that wait in memory for a write.
const flushAt = 1 << 20

// OpenLog opens the log in the directory dir below root. It appends to a new
// file, never to one that a crash may have torn.
func OpenLog(root *os.Root, dir string, maxFile int64) (*Log, error) {
	if err := root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("segment: create %s: %w", dir, err)
	}
	entries, err := fs.ReadDir(root.FS(), dir)
	if err != nil {
		return nil, fmt.Errorf("segment: read %s: %w", dir, err)
	}
	l := &Log{root: root, dir: dir, max: maxFile, open: make(map[uint32]*os.File)}
	for _, e := range entries {
		var n uint32
		if _, err := fmt.Sscanf(e.Name(), "%08x.seg", &n); err == nil {
			l.num = max(l.num, n)
		}
	}
	return l, nil
}

func (l *Log) name(n uint32) string { return fmt.Sprintf("%s/%08x.seg", l.dir, n) }

// Append adds the record that the parts form together and says where. It is
// on disk after the next Sync.
func (l *Log) Append(parts ...[]byte) (Ref, error) {
	if l.cur == nil || l.size >= l.max {
		if err := l.rotate(); err != nil {
			return Ref{}, err
		}
	}
	at := len(l.buf)
	l.buf = Append(l.buf, parts...)
	n := len(l.buf) - at
	ref := Ref{File: l.num, Offset: uint64(l.size), Len: uint32(n - header)} //nolint:gosec // both bounded above
	l.size += int64(n)
	if len(l.buf) >= flushAt {
		return ref, l.flush()
	}
	return ref, nil
}

func (l *Log) rotate() error {
	if err := l.finish(); err != nil {
		return err
	}
	f, err := l.root.OpenFile(l.name(l.num+1), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("segment: %w", err)
	}
	l.cur, l.size = f, 0
	l.num++
	return atomicfile.SyncDir(l.root, l.dir)
}

func (l *Log) flush() error {
	if len(l.buf) == 0 {
		return nil
	}
	if _, err := l.cur.Write(l.buf); err != nil {
		return fmt.Errorf("segment: write %s: %w", l.name(l.num), err)
	}
	l.buf = l.buf[:0]
	return nil
}

// Sync makes all that was appended survive power failure.
func (l *Log) Sync() error {
	if l.cur == nil {
		return nil
	}
	if err := errors.Join(l.flush(), l.cur.Sync()); err != nil {
		return fmt.Errorf("segment: sync %s: %w", l.name(l.num), err)
	}
	return nil
}

// finish syncs and closes the file that is being appended to.
func (l *Log) finish() error {
	if l.cur == nil {
		return nil
	}
	err := errors.Join(l.Sync(), l.cur.Close())
	l.cur = nil
	return err
}

// Read reads a synced record into buf, growing it if need be. Safe for
// concurrent use.
func (l *Log) Read(ref Ref, buf []byte) ([]byte, error) {
	f, err := l.file(ref.File)
	if err != nil {
		return nil, err
	}
	n := int(ref.Len) + header
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := f.ReadAt(buf, int64(ref.Offset)); err != nil { //nolint:gosec // offsets are file sizes
		return nil, fmt.Errorf("%w: %s at %d: %w", ErrDamaged, l.name(ref.File), ref.Offset, err)
	}
	length, sum := binary.BigEndian.Uint32(buf), binary.BigEndian.Uint32(buf[4:])
	payload := buf[:copy(buf, buf[header:])] // to the front, so that a caller can reuse all of it
	if length != ref.Len {
		return nil, fmt.Errorf("%w: %s at %d: length", ErrDamaged, l.name(ref.File), ref.Offset)
	}
	if err := verify(payload, sum); err != nil {
		return nil, fmt.Errorf("%s at %d: %w", l.name(ref.File), ref.Offset, err)
	}
	return payload, nil
}

func (l *Log) file(n uint32) (*os.File, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.open[n]; f != nil {
		return f, nil
	}
	f, err := l.root.Open(l.name(n))
	if err != nil {
		return nil, fmt.Errorf("segment: %w", err)
	}
	l.open[n] = f
	return f, nil
}

// Close syncs what was appended and closes all files.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	errs := []error{l.finish()}
	for _, f := range l.open {
		errs = append(errs, f.Close())
	}
	clear(l.open)
	return errors.Join(errs...)
}
