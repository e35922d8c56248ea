package state

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/balerhq/baler/internal/atomicfile"
)

// Dir is a state directory, open and locked for this process. It is a Store
// (its Badger index) and a root for files.
type Dir struct {
	*Badger
	root    *os.Root
	path    string
	minFree int64
}

// Config adjusts Open. Its zero value is ready to use.
type Config struct {
	// Log receives what the store has to say, never a payload. Zero means
	// slog.Default().
	Log *slog.Logger
	// MinFree is the room on the disk, in bytes, below which Room reports
	// ErrDiskLow. Zero means DefaultMinFree, 512 MiB; negative means never.
	MinFree int64
	// NoCompaction leaves the index as it grows until Close. It is for a few
	// thousand records, such as those of a test: Badger looks for something to
	// compact twenty times a second, which is most of what a run does that
	// waits in the virtual time of testing/synctest. Badger takes no more
	// writes once 15 tables of 8 MiB wait for their compaction.
	NoCompaction bool
}

// Open opens the state directory at path, creating it if need be, and locks
// it: a second Open fails until Close, or until the process is gone.
//
// The directory must be on a local disk, as Badger maps and locks its files.
// It holds users' data in plain text, so it is created with mode 0700 and one
// that others can enter is refused. A directory that holds other files, was
// written by a newer schema, or whose index has lost records is refused with
// an error that tells what to do.
func Open(path string, cfg Config) (*Dir, error) {
	if err := prepare(path); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("state: open directory: %w", err)
	}
	minFree := cmp.Or(cfg.MinFree, DefaultMinFree)
	if err := reserve(path, minFree); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	d, err := openDir(root, path, cfg)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	d.minFree = minFree
	return d, nil
}

// openDir opens one directory at a time: another process that comes in between
// would be given another instance, or its own be overwritten.
func openDir(root *os.Root, path string, cfg Config) (*Dir, error) {
	opening, err := lock(path)
	if err != nil {
		return nil, err
	}
	defer opening.Close()
	id, err := readIdentity(root, path)
	if err != nil {
		return nil, err
	}
	if err := private(root, "."); err != nil {
		return nil, err
	}
	index, err := openBadger(filepath.Join(path, indexDir), cmp.Or(cfg.Log, slog.Default()), cfg.NoCompaction)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(id.advance(root, index, path), private(root, indexDir)); err != nil {
		return nil, errors.Join(err, index.Close())
	}
	return &Dir{Badger: index, root: root, path: path}, nil
}

// Check returns the error with which Open would refuse the path as it is: it is
// a link or no directory, the directory holds other files or was written by a
// newer schema, or others can enter it. It makes nothing and locks nothing. A
// path where nothing is yet can be used, and damage is left for Open to find.
func Check(path string) error {
	info, err := stat(path)
	if err != nil || info == nil {
		return err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return fmt.Errorf("state: open directory: %w", err)
	}
	defer root.Close()
	_, err = findIdentity(root, path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrDamaged) {
		err = nil
	}
	return cmp.Or(err, mustBePrivate(path, info))
}

// prepare makes the directory, or checks that nobody else can look into it.
func prepare(path string) error {
	info, err := stat(path)
	switch {
	case err != nil:
		return err
	case info == nil:
		return makePrivate(path)
	}
	return mustBePrivate(path, info)
}

// stat refuses what is no directory. It returns nil if nothing is there.
func stat(path string) (fs.FileInfo, error) {
	info, err := os.Lstat(filepath.Clean(path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("state: open directory: %w", err)
	case info.Mode().Type() == fs.ModeSymlink:
		return nil, fmt.Errorf("state: %s is a symbolic link: name the directory that it leads to", path)
	case !info.IsDir():
		return nil, fmt.Errorf("state: %s is not a directory", path)
	}
	return info, nil
}

func mustBePrivate(path string, info fs.FileInfo) error {
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	return fmt.Errorf("state: %s is open to other users (mode %04o): run chmod 700 %s", path, info.Mode().Perm(), path)
}

// makePrivate makes a directory of mode 0700 whatever the umask.
func makePrivate(path string) error {
	err := os.MkdirAll(path, 0o700)
	if err == nil {
		err = os.Chmod(path, 0o700) //nolint:gosec // a directory needs x; the umask may have taken bits
	}
	if err != nil {
		return fmt.Errorf("state: create directory: %w", err)
	}
	return nil
}

// Root is the directory as a root for files. Names used below it should come
// from the program, not from its input.
func (d *Dir) Root() *os.Root { return d.root }

// Path is the path that the directory was opened by.
func (d *Dir) Path() string { return d.path }

// Close closes the index, releases the lock and closes the root.
func (d *Dir) Close() error {
	return errors.Join(d.Badger.Close(), private(d.root, indexDir), closeRoot(d.root))
}

// private makes all that is in a directory private, and refuses links in it.
// Badger gives its files the modes that the umask leaves.
func private(root *os.Root, dir string) error {
	if err := atomicfile.Private(root, dir); err != nil && !errors.Is(err, fs.ErrClosed) {
		return fmt.Errorf("state: %w", err)
	}
	return nil
}

func closeRoot(root *os.Root) error {
	if err := root.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return fmt.Errorf("state: close directory: %w", err)
	}
	return nil
}

func writeFile(root *os.Root, name string, data []byte) error {
	if err := atomicfile.Write(root, name, data); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return nil
}
