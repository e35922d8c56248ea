package rundir

import (
	"os"
	"path/filepath"
)

// reread is after how many looks the files are read whether they seem to have
// changed or not: two of them may have the same place, size and time.
const reread = 60

// Watch reads the requested state again and again. It reads the files only if
// one of them was replaced, or has not been read for long. One
// goroutine at a time may use it.
type Watch struct {
	Dir Dir

	last  Control
	seen  [2]os.FileInfo // of ControlFile and ControlCopy, nil if there was none
	looks int            // since they were read, 0 if they were not
}

// Control returns what Dir.Control does.
func (w *Watch) Control() (c Control, err error) {
	now := [2]os.FileInfo{w.Dir.info(ControlFile), w.Dir.info(ControlCopy)}
	if w.looks > 0 && w.looks < reread && same(now[0], w.seen[0]) && same(now[1], w.seen[1]) {
		w.looks++
		return w.last, nil
	}
	if w.last, err = w.Dir.Control(); err != nil { // it is read again
		w.looks = 0
		return Control{}, err
	}
	w.seen, w.looks = now, 1
	return w.last, nil
}

// info describes a file, or is nil if there is none that could be described.
func (d Dir) info(name string) os.FileInfo {
	info, err := os.Lstat(filepath.Join(d.Path, name))
	if err != nil {
		return nil
	}
	return info
}

func same(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
