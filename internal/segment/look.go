package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Look returns the log in the directory dir below root to read from. Nothing is
// cut off, and nothing can be appended.
func Look(root *os.Root, dir string, label Label) *Log {
	return &Log{root: root, dir: dir, label: label, err: fmt.Errorf("segment: %s was opened to be read", dir)}
}

// Extent is the place after the last byte in the directory, zero if it is
// empty or missing. What stands before it need not be whole.
func Extent(root *os.Root, dir string) (Pos, error) {
	files, err := Files(root, dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(files) == 0 {
		return Pos{}, nil
	}
	if err != nil {
		return Pos{}, fmt.Errorf("segment: %w", err)
	}
	last := files[len(files)-1]
	info, err := root.Stat((&Log{dir: dir}).name(last))
	if err != nil {
		return Pos{}, fmt.Errorf("segment: %w", err)
	}
	return Pos{last, uint64(info.Size())}, nil //nolint:gosec // a file's size
}
