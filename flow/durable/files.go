package durable

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// files are those of a job, from which everything else can be made again.
type files struct {
	path string // of the state directory
	keys keys
	id   string   // of the job; "" until its journal, or the index, says it
	root *os.Root // the job's directory
}

// openFiles opens the directories of all jobs below a state directory.
func openFiles(root *os.Root, path string) (all []*files, err error) {
	dirs, err := fs.Glob(root.FS(), jobPrefix+"*")
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
			return nil, errors.Join(fmt.Errorf("durable: %w", err), closeFiles(all))
		}
		all = append(all, &files{path: path, keys: k, root: sub})
	}
	return all, nil
}

func closeFiles(all []*files) error {
	var errs []error
	for _, a := range all {
		errs = append(errs, a.root.Close())
	}
	return errors.Join(errs...)
}

// keysOfDir undoes keys.dir.
func keysOfDir(dir string) (k keys, ok bool) {
	n, err := hex.Decode(k.job[:], []byte(strings.TrimPrefix(dir, jobPrefix)))
	return k, err == nil && n == len(k.job)
}
