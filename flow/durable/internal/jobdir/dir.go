package jobdir

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Dir is the directory of a job. Everything else can be rebuilt from its files.
type Dir struct {
	Path string // of the state directory
	Keys Keys
	ID   string   // of the job; "" until it was read from the journal or the index
	Root *os.Root // the job's directory
}

// OpenAll opens the directories of all jobs below a state directory.
func OpenAll(root *os.Root, path string) (all []*Dir, err error) {
	dirs, err := fs.Glob(root.FS(), JobPrefix+"*")
	if err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	for _, dir := range dirs {
		k, ok := keysOfDir(dir)
		if !ok {
			continue
		}
		sub, err := root.OpenRoot(dir)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("durable: %w", err), CloseAll(all))
		}
		all = append(all, &Dir{Path: path, Keys: k, Root: sub})
	}
	return all, nil
}

// CloseAll closes the directories that OpenAll has opened.
func CloseAll(all []*Dir) error {
	var errs []error
	for _, a := range all {
		errs = append(errs, a.Root.Close())
	}
	return errors.Join(errs...)
}

// keysOfDir is the inverse of Keys.Dir.
func keysOfDir(dir string) (k Keys, ok bool) {
	n, err := hex.Decode(k.Job[:], []byte(strings.TrimPrefix(dir, JobPrefix)))
	return k, err == nil && n == len(k.Job)
}
