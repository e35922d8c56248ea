package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/balerhq/baler/flow/state"
)

// runDirs are the directories of all runs of a state directory.
func runDirs(path string) (all []runDir, err error) {
	dirs, err := os.ReadDir(filepath.Join(path, runsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("durable: %w", err)
	}
	for _, dir := range dirs {
		all = append(all, runDir{filepath.Join(path, runsDir, dir.Name())})
	}
	return all, nil
}

// examineRuns reads what says what is wanted of runs, and how far they are.
func (h *Health) examineRuns() error {
	dirs, err := runDirs(h.Path)
	for _, d := range dirs {
		for _, f := range d.damaged() {
			_, err := d.control()
			h.addFile(&state.DamageError{Dir: h.Path, File: f.name, Err: f.err}, err == nil || removable(f))
		}
	}
	return err
}

// runDamage is a file of a run that cannot be believed.
type runDamage struct {
	name string // in the state directory
	err  error
}

func (d runDir) damaged() (all []runDamage) {
	note := func(name string, err error) {
		if err != nil {
			all = append(all, runDamage{filepath.Join(runsDir, d.name(), name), err})
		}
	}
	c, found, err := d.readControl(controlFile)
	other, kept, failed := d.readControl(controlCopy)
	note(controlFile, err)
	note(controlCopy, failed)
	switch {
	case err != nil || failed != nil:
	case found && !kept, found && other.Rev < c.Rev:
		note(controlCopy, errors.New("it is gone, or older than "+controlFile))
	case kept && other.Rev > c.Rev+1: // a crash leaves one that is ahead by one
		note(controlFile, errors.New("it is gone, or older than "+controlCopy))
	}
	_, err = d.read(statusFile, new(snapshot))
	note(statusFile, err)
	_, err = d.decisions()
	note(decisionsFile, err)
	return all
}

// removable reports whether nothing goes wrong without the file: how far a run is
// is written anew, and what was decided is asked again.
func removable(f runDamage) bool {
	name := filepath.Base(f.name)
	return name == statusFile || name == decisionsFile
}

// repairRuns writes anew what can be.
func repairRuns(path string) error {
	dirs, err := runDirs(path)
	if err != nil {
		return err
	}
	for _, d := range dirs {
		if err := d.repair(); err != nil {
			return err
		}
	}
	return nil
}

func (d runDir) repair() error {
	for _, f := range d.damaged() {
		if removable(f) {
			if err := os.Remove(filepath.Join(d.path, filepath.Base(f.name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("durable: %w", err)
			}
			continue
		}
		c, err := d.control()
		if err != nil {
			return err
		}
		if err := errors.Join(d.write(controlCopy, c), d.write(controlFile, c)); err != nil {
			return err
		}
	}
	return nil
}
