// Package atomicfile writes whole files so that a crash leaves the old content
// or the new one, never a part.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/balerhq/baler/internal/crashpoint"
)

// Write replaces the file name below root with data, mode 0600. When it
// returns nil the content survives power failure.
func Write(root *os.Root, name string, data []byte) error {
	return Create(root, name, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// Create lets fill write a new file, then syncs it and moves it to name. After
// an error only the old content of name is left. Until then the
// file is name.tmp, so that one at a time may create a name.
func Create(root *os.Root, name string, fill func(*os.File) error) (err error) {
	tmp := name + ".tmp"
	crashpoint.Here("before creating a file")
	f, err := New(root, tmp, os.O_RDWR)
	if errors.Is(err, fs.ErrExist) { // of a crash, or a link
		if err = root.Remove(tmp); err == nil {
			f, err = New(root, tmp, os.O_RDWR)
		}
	}
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	if err := errors.Join(fill(f), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, errors.Join(err, root.Remove(tmp)))
	}
	crashpoint.Here("before renaming a file")
	if err := root.Rename(tmp, name); err != nil {
		return fmt.Errorf("rename %s: %w", name, errors.Join(err, root.Remove(tmp)))
	}
	crashpoint.Here("before syncing a directory")
	err = SyncDir(root, path.Dir(name))
	crashpoint.Here("after syncing a directory")
	return err
}

// New makes a file of mode 0600 whatever the umask, which must not exist.
func New(root *os.Root, name string, flag int) (*os.File, error) {
	f, err := root.OpenFile(name, flag|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(fileMode); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Mkdir makes a directory of mode 0700 whatever the umask. That it is there is
// fs.ErrExist.
func Mkdir(root *os.Root, name string) error {
	if err := root.Mkdir(name, dirMode); err != nil {
		return err
	}
	return root.Chmod(name, dirMode)
}

// SyncDir makes the entries of a directory survive power failure.
func SyncDir(root *os.Root, name string) error {
	d, err := root.Open(name)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory %s: %w", name, err)
	}
	return nil
}
