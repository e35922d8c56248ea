package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/table"
)

// inspect looks for damage that Badger would take for the end of its data, and
// then delete what it no longer knows of, or that it would die of in a
// goroutine of its own. It reads the whole index once, so that Badger need not.
func inspect(dir string, opts *badger.Options) error {
	tables, err := inspectManifest(dir, opts)
	if err != nil {
		return damagedIndex(dir, badger.ManifestFilename, err)
	}
	for id := range tables {
		name := table.IDToFilename(id)
		if err := inspectTable(filepath.Join(dir, name), id); err != nil {
			return damagedIndex(dir, name, err)
		}
	}
	return inspectLogs(dir, opts)
}

func damagedIndex(dir, file string, err error) error {
	return &DamageError{filepath.Dir(dir), filepath.Join(filepath.Base(dir), file), err}
}

// inspectManifest returns the tables of the index. A manifest that ends within
// an entry is damaged, even if only power failed: the tables that the rest of
// it named would be deleted.
func inspectManifest(dir string, opts *badger.Options) (map[uint64]badger.TableManifest, error) {
	f, err := os.Open(filepath.Join(dir, badger.ManifestFilename))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, inspectFresh(dir)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, end, err := badger.ReplayManifestFile(f, 0, *opts)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if end != info.Size() {
		return nil, fmt.Errorf("its last entry is cut off at %d of %d bytes", end, info.Size())
	}
	return m.Tables, nil
}

// inspectFresh refuses a directory that lacks nothing but its manifest, which
// is the first file that Badger makes.
func inspectFresh(dir string) error {
	for _, pattern := range []string{"*.sst", "*.mem"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return fmt.Errorf("it is missing beside %s", filepath.Base(found[0]))
		}
	}
	return nil
}

// inspectTable opens a table as Badger will, but where a panic can be caught.
func inspectTable(path string, id uint64) (err error) {
	defer func() {
		if recover() != nil { // what it says quotes the table
			err = errors.New("it is cut off, or its footer is damaged")
		}
	}()
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	t, err := table.OpenInMemoryTable(data, id, &table.Options{})
	if err != nil {
		return err
	}
	return t.VerifyChecksum()
}
