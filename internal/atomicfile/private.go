package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// ErrLink means that a name is a symbolic link, or something else that is
// neither a file nor a directory.
var ErrLink = errors.New("neither a file nor a directory")

// The modes of what is private. The umask may have taken bits, or a copy have
// added some.
const (
	fileMode = 0o600
	dirMode  = 0o700
)

// Private checks everything in a directory below root, at any depth. Symbolic
// links are refused, as os.Root follows those that stay inside, and files and
// directories get the modes 0600 and 0700. What vanishes meanwhile is no error.
func Private(root *os.Root, dir string) error {
	entries, err := fs.ReadDir(root.FS(), dir)
	if err != nil {
		return ifThere(err)
	}
	for _, e := range entries {
		if err := private(root, path.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func private(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if err != nil {
		return ifThere(err)
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
		if err := chmod(root, name, mode, dirMode); err != nil {
			return err
		}
		return Private(root, name)
	case mode.IsRegular():
		return chmod(root, name, mode, fileMode)
	}
	return fmt.Errorf("%s: %w (%s): put a real one in its place", path.Join(root.Name(), name), ErrLink, info.Mode().Type())
}

func chmod(root *os.Root, name string, have, want fs.FileMode) error {
	if have.Perm() == want {
		return nil
	}
	return ifThere(root.Chmod(name, want))
}

func ifThere(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
