package segment

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/internal/crashpoint"
)

// Ref says where in a Log a record stands.
type Ref struct {
	File   uint32
	Len    uint32 // of the payload
	Offset uint64
}

// Pos is a place between two records of a Log; zero is its beginning.
type Pos struct {
	File   uint32 `json:"file"`
	Offset uint64 `json:"offset"`
}

// Before reports whether a place is before another one of the Log.
func (p Pos) Before(q Pos) bool {
	return p.File < q.File || p.File == q.File && p.Offset < q.Offset
}

// Log is a directory of segment files. One goroutine may append while others
// read; what Sync has returned for survives power failure.
type Log struct {
	root  *os.Root
	dir   string
	label Label
	max   int64 // bytes at which a file is full

	cur  *os.File
	num  uint32
	size int64
	buf  []byte // appended, not yet written
	err  error  // of the first failure: what the disk then holds is not known
}

// flushAt bounds the bytes that wait in memory for a write.
const flushAt = 1 << 20

// OpenLog opens the log in the directory dir below root, which ends at end.
// Bytes after it were never acknowledged and are cut off. A log that does
// not reach as far is ErrDamaged, and so is one with a file of another label:
// then nothing is cut off.
func OpenLog(root *os.Root, dir string, label Label, maxFile int64, end Pos) (*Log, error) {
	l := &Log{root: root, dir: dir, label: label, max: maxFile, num: end.File, size: int64(end.Offset)} //nolint:gosec // a file's size
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("segment: open %s: %w", dir, err)
	}
	return l, nil
}

func (l *Log) open() error {
	if err := MkdirAll(l.root, l.dir); err != nil {
		return err
	}
	if err := l.checkLabels(); err != nil {
		return err
	}
	if err := l.removeBehind(); err != nil {
		return err
	}
	if l.num == 0 {
		return nil
	}
	f, err := l.root.OpenFile(l.name(l.num), os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is missing", ErrDamaged, l.name(l.num))
	} else if err != nil {
		return err
	}
	if err := cut(f, l.size); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", l.name(l.num), err), f.Close())
	}
	l.cur = f
	return nil
}

// MkdirAll makes a directory of mode 0700 below root, with its parents, that
// survives power failure.
func MkdirAll(root *os.Root, dir string) error {
	if parent := path.Dir(dir); parent != "." {
		if err := MkdirAll(root, parent); err != nil {
			return err
		}
	}
	if err := atomicfile.Mkdir(root, dir); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	return atomicfile.SyncDir(root, path.Dir(dir))
}

// cut ends the file at size, which it must have.
func cut(f *os.File, size int64) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case info.Size() < size:
		return fmt.Errorf("%w: it holds %d bytes of %d", ErrDamaged, info.Size(), size)
	case info.Size() > size:
		if err := f.Truncate(size); err != nil {
			return err
		}
	}
	_, err = f.Seek(size, io.SeekStart)
	return err
}

// removeBehind removes the files that begin after the end.
func (l *Log) removeBehind() error {
	files, err := Files(l.root, l.dir)
	if err != nil {
		return err
	}
	return l.remove(files, func(n uint32) bool { return n > l.num })
}

func (l *Log) remove(files []uint32, which func(uint32) bool) error {
	removed := false
	for _, n := range files {
		if !which(n) {
			continue
		}
		if err := l.root.Remove(l.name(n)); err != nil {
			return err
		}
		removed = true
	}
	if !removed {
		return nil
	}
	return atomicfile.SyncDir(l.root, l.dir)
}

// Files lists the numbers of the segment files in dir, in order.
func Files(root *os.Root, dir string) (numbers []uint32, err error) {
	entries, err := fs.ReadDir(root.FS(), dir) // sorted by name
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		var n uint32
		if _, err := fmt.Sscanf(e.Name(), "%08x.seg", &n); err == nil && e.Name() == fileName(n) {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

func (l *Log) name(n uint32) string { return l.dir + "/" + fileName(n) }

func fileName(n uint32) string { return fmt.Sprintf("%08x.seg", n) }

// End is the place after the record appended last.
func (l *Log) End() Pos { return Pos{l.num, uint64(l.size)} } //nolint:gosec // not negative

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
	n := size(parts)
	ref := Ref{File: l.num, Offset: uint64(l.size), Len: uint32(n)} //nolint:gosec // both bounded
	l.size += header + int64(n)
	if n >= flushAt {
		l.err = l.writeLarge(parts)
		return ref, l.err
	}
	if l.buf = Append(l.buf, parts...); len(l.buf) >= flushAt {
		l.err = l.flush()
	}
	return ref, l.err
}

// writeLarge writes a record that is too large to be copied, after what is in
// buf.
func (l *Log) writeLarge(parts [][]byte) error {
	l.buf = appendHeader(l.buf, parts)
	if err := l.flush(); err != nil {
		return err
	}
	for _, p := range parts {
		if err := l.write(p); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) write(b []byte) error {
	if _, err := l.cur.Write(b); err != nil {
		return fmt.Errorf("segment: write %s: %w", l.name(l.num), err)
	}
	return nil
}

func (l *Log) makeRoom(parts [][]byte) error {
	if n := size(parts); n > MaxRecord {
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
	f, err := atomicfile.New(l.root, l.name(l.num+1), os.O_WRONLY)
	if err != nil {
		return fmt.Errorf("segment: %w", err)
	}
	l.cur, l.size = f, 0
	l.num++
	l.begin()
	return atomicfile.SyncDir(l.root, l.dir)
}

func (l *Log) flush() error {
	if len(l.buf) == 0 {
		return nil
	}
	if err := l.write(l.buf); err != nil {
		return err
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
	crashpoint.Here("before syncing requests")
	if err := l.flush(); err != nil {
		return err
	}
	if err := l.cur.Sync(); err != nil {
		return fmt.Errorf("segment: sync %s: %w", l.name(l.num), err)
	}
	crashpoint.Here("after syncing requests")
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

// Drop removes the files that end before a record at p. The caller has no more
// use for them.
func (l *Log) Drop(p Pos) error {
	files, err := Files(l.root, l.dir)
	if err == nil {
		err = l.remove(files, func(n uint32) bool { return n < p.File })
	}
	if err != nil {
		return fmt.Errorf("segment: drop of %s: %w", l.dir, err)
	}
	return nil
}

// Close syncs what was appended, unless that has failed before.
func (l *Log) Close() error {
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
