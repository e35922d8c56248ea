package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// InputFile is the name of an input while it is written. Then a dash and the
// digest of its content follow.
const InputFile = "input"

// Input is an input that is kept beside a run.
type Input struct {
	Path, Digest string
	Size         int64
	modified     time.Time
}

// Inputs returns the inputs of the run, the latest first.
func (d Dir) Inputs() (all []Input, err error) {
	entries, err := os.ReadDir(d.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("durable: %w", err)
	}
	for _, entry := range entries {
		digest, ok := strings.CutPrefix(entry.Name(), InputFile+"-")
		if !ok || !entry.Type().IsRegular() {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return nil, fmt.Errorf("durable: %w", err)
		}
		all = append(all, Input{filepath.Join(d.Path, entry.Name()), digest, info.Size(), info.ModTime()})
	}
	slices.SortFunc(all, func(a, b Input) int { return b.modified.Compare(a.modified) })
	return all, nil
}

// SizeOfInputs returns how many bytes the inputs have.
func (d Dir) SizeOfInputs() (total int64, err error) {
	all, err := d.Inputs()
	for i := range all {
		total += all[i].Size
	}
	return total, err
}

// RemoveInputs removes the inputs of the run.
func (d Dir) RemoveInputs() error {
	all, err := d.Inputs()
	for i := range all {
		err = errors.Join(err, os.Remove(all[i].Path))
	}
	return err
}
