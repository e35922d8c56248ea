package segment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Label returns what the first record of each file of a Log says: whose file it
// is, and which. A file that says something else is ErrDamaged. Nil means that
// files have no such record.
type Label func(file uint32) []byte

// ErrLabel means that a file says that it is another. It is an ErrDamaged.
var ErrLabel = fmt.Errorf("%w: the file is another's, or of another version", ErrDamaged)

// begin labels the file that was just made.
func (l *Log) begin() {
	if l.label != nil {
		l.buf = Append(l.buf, l.label(l.num))
		l.size = int64(len(l.buf))
	}
}

// first is where the first record after the label begins.
func (l *Log) first(n uint32) uint64 {
	if l.label == nil {
		return 0
	}
	return header + uint64(len(l.label(n)))
}

// checkLabel reads the label of a file.
func (l *Log) checkLabel(f io.ReaderAt, n uint32) error {
	if l.label == nil {
		return nil
	}
	got, err := ReadAt(f, 0, nil)
	if err == nil && !bytes.Equal(got, l.label(n)) {
		err = ErrLabel
	}
	return err
}

// Check reports what OpenLog would refuse, and changes nothing.
func Check(root *os.Root, dir string, label Label, end Pos) error {
	l := &Log{root: root, dir: dir, label: label, num: end.File}
	err := l.checkLabels()
	if errors.Is(err, fs.ErrNotExist) && end == (Pos{}) {
		return nil
	}
	if err == nil && end.File > 0 {
		err = l.checkEnd(end)
	}
	if err != nil {
		return fmt.Errorf("segment: %s: %w", dir, err)
	}
	return nil
}

// checkEnd looks whether the last file reaches as far as it should.
func (l *Log) checkEnd(end Pos) error {
	switch info, err := l.root.Stat(l.name(end.File)); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s is missing", ErrDamaged, l.name(end.File))
	case err != nil:
		return err
	case uint64(info.Size()) < end.Offset: //nolint:gosec // not negative
		return fmt.Errorf("%w: %s holds %d bytes of %d", ErrDamaged, l.name(end.File), info.Size(), end.Offset)
	}
	return nil
}

// checkLabels reads the labels of all files. One after the end may be torn.
func (l *Log) checkLabels() error {
	files, err := Files(l.root, l.dir)
	if err != nil {
		return err
	}
	for _, n := range files {
		f, err := l.root.Open(l.name(n))
		if err != nil {
			return err
		}
		err = l.checkLabel(f, n)
		f.Close()
		if err != nil && (n <= l.num || errors.Is(err, ErrLabel)) {
			return fmt.Errorf("%s: %w", l.name(n), err)
		}
	}
	return nil
}
