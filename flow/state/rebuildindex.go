package state

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/balerhq/baler/internal/atomicfile"
)

const newIndexDir = "index.new"

// RebuildIndex gives the directory at path a new index, of what fill commits.
// The old one is moved to the directory aside below path. If fill fails nothing
// has changed, and after a crash Renew can be called again. A directory between
// its old index and its new one cannot be opened.
func RebuildIndex(ctx context.Context, path string, log *slog.Logger, fill func(root *os.Root, index Store) error) (aside string, err error) {
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("state: %w", err)
	}
	if err := prepare(path); err != nil {
		return "", err
	}
	locked, err := lock(filepath.Join(path, indexDir))
	if err != nil {
		return "", err
	}
	defer locked.Close()
	root, err := os.OpenRoot(path)
	if err != nil {
		return "", fmt.Errorf("state: open directory: %w", err)
	}
	defer root.Close()
	id, err := readIdentity(root, path)
	if err != nil && !errors.Is(err, ErrDamaged) {
		return "", err
	}
	if err := private(root, "."); err != nil {
		return "", err
	}
	// The file may be that of another directory, so none of it is taken over.
	id = identity{Schema: schema, Instance: rand.Text(), Generation: id.Generation + 1}
	if err := id.fill(ctx, root, path, log, fill); err != nil {
		return "", errors.Join(err, root.RemoveAll(newIndexDir))
	}
	return id.replace(root)
}

// fill makes the new index.
func (id identity) fill(ctx context.Context, root *os.Root, path string, log *slog.Logger, fill func(*os.Root, Store) error) error {
	if err := root.RemoveAll(newIndexDir); err != nil { // of a Renew that was cut short
		return fmt.Errorf("state: %w", err)
	}
	index, err := OpenBadger(filepath.Join(path, newIndexDir), log)
	if err != nil {
		return err
	}
	err = fill(root, index)
	if err == nil {
		err = index.Commit(ctx, id.canary())
	}
	return errors.Join(err, index.Close(), private(root, newIndexDir))
}

// replace moves the old index aside and the new one to its place, and last says
// so in the identity.
func (id identity) replace(root *os.Root) (aside string, err error) {
	if aside, err = makeAside(root); err != nil {
		return "", err
	}
	for _, move := range [][2]string{
		{indexDir, aside + "/" + indexDir},
		{newIndexDir, indexDir},
	} {
		if err := root.Rename(move[0], move[1]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("state: %w", err)
		}
	}
	if err := atomicfile.SyncDir(root, aside); err != nil {
		return "", fmt.Errorf("state: %w", err)
	}
	return aside, id.save(root)
}

// makeAside makes a directory for what is moved aside.
func makeAside(root *os.Root) (name string, err error) {
	for n := 1; ; n++ {
		name = fmt.Sprintf("damaged-%d", n)
		if err = atomicfile.Mkdir(root, name); !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return "", fmt.Errorf("state: %w", err)
	}
	return name, nil
}
