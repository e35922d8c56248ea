package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
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
	err  error  // of the first failure: what the disk then holds is not known

	mu   sync.Mutex
	open map[uint32]*os.File // nil once closed
}

// flushAt bounds the bytes that wait in memory for a write.
const flushAt = 1 << 20

// OpenLog opens the log in the directory dir below root. It appends to a new
// file, never to one that a crash may have torn.
func OpenLog(root *os.Root, dir string, maxFile int64) (*Log, error) {
	if err := root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("segment: create %s: %w", dir, err)
	}
	if err := atomicfile.SyncDir(root, path.Dir(dir)); err != nil {
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
// on disk after the next Sync. After any error of Append or Sync the log takes
// no more: a later record must not seem to be where a torn one is.
func (l *Log) Append(parts ...[]byte) (Ref, error) {
	if l.err == nil {
		l.err = l.makeRoom(parts)
	}
	if l.err != nil {
		return Ref{}, l.err
	}
	at := len(l.buf)
	l.buf = Append(l.buf, parts...)
	n := len(l.buf) - at
	ref := Ref{File: l.num, Offset: uint64(l.size), Len: uint32(n - header)} //nolint:gosec // both bounded
	l.size += int64(n)
	if len(l.buf) >= flushAt {
		l.err = l.flush()
	}
	return ref, l.err
}

func (l *Log) makeRoom(parts [][]byte) error {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if n > MaxRecord {
		return fmt.Errorf("segment: record of %d bytes: at most %d", n, MaxRecord)
	}
	if l.cur != nil && l.size < l.max {
		return nil
	}
	return l.rotate()
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
	if l.err == nil && l.cur != nil {
		l.err = l.sync()
	}
	return l.err
}

func (l *Log) sync() error {
	if err := l.flush(); err != nil {
		return err
	}
	if err := l.cur.Sync(); err != nil {
		return fmt.Errorf("segment: sync %s: %w", l.name(l.num), err)
	}
	return nil
}

// finish syncs and closes the file that is being appended to.
func (l *Log) finish() error {
	if l.cur == nil {
		return nil
	}
	err := errors.Join(l.sync(), l.cur.Close())
	l.cur = nil
	return err
}

// Close syncs what was appended, unless that has failed before, and closes all
// files.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	errs := []error{l.end()}
	for _, f := range l.open {
		errs = append(errs, f.Close())
	}
	l.open = nil
	return errors.Join(errs...)
}

func (l *Log) end() error {
	if l.err == nil {
		l.err = fs.ErrClosed
		return l.finish()
	}
	if l.cur == nil {
		return nil
	}
	err := l.cur.Close()
	l.cur = nil
	return err
}
