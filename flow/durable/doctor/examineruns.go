package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/flow/state"
)

// runDirs returns the directories of all runs of a state directory.
func runDirs(path string) (all []rundir.Dir, err error) {
	dirs, err := os.ReadDir(filepath.Join(path, rundir.RunsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("durable: %w", err)
	}
	for _, dir := range dirs {
		all = append(all, rundir.Dir{Path: filepath.Join(path, rundir.RunsDir, dir.Name())})
	}
	return all, nil
}

// examineRuns reads the control, status and decision files of all runs.
func (h *Health) examineRuns() error {
	dirs, err := runDirs(h.Path)
	for _, d := range dirs {
		for _, f := range damaged(d) {
			_, err := d.Control()
			h.addFile(&state.DamageError{Dir: h.Path, File: f.name, Err: f.err}, err == nil || removable(f))
		}
	}
	return err
}

// runDamage is a damaged file of a run.
type runDamage struct {
	name string // in the state directory
	err  error
}

func damaged(d rundir.Dir) (all []runDamage) {
	note := func(name string, err error) {
		if err != nil {
			all = append(all, runDamage{filepath.Join(rundir.RunsDir, d.Name(), name), err})
		}
	}
	c, found, err := d.ReadControl(rundir.ControlFile)
	other, kept, failed := d.ReadControl(rundir.ControlCopy)
	note(rundir.ControlFile, err)
	note(rundir.ControlCopy, failed)
	switch {
	case err != nil || failed != nil:
	case found && !kept, found && other.Rev < c.Rev:
		note(rundir.ControlCopy, errors.New("it is gone, or older than "+rundir.ControlFile))
	case kept && other.Rev > c.Rev+1: // a crash leaves one that is ahead by one
		note(rundir.ControlFile, errors.New("it is gone, or older than "+rundir.ControlCopy))
	}
	_, err = d.Read(rundir.StatusFile, new(durable.Status))
	note(rundir.StatusFile, err)
	_, err = d.Decisions()
	note(rundir.DecisionsFile, err)
	_, err = d.Read(rundir.ReuseFile, new(durable.Reuse))
	note(rundir.ReuseFile, err)
	return all
}

// removable reports whether the file can be removed without harm. The status is
// written again, a person is asked to decide again, and the counts of reuse
// begin anew.
func removable(f runDamage) bool {
	return slices.Contains([]string{rundir.StatusFile, rundir.DecisionsFile, rundir.ReuseFile}, filepath.Base(f.name))
}

// repairRuns restores the files of runs that can be restored, and removes those
// that are written again.
func repairRuns(path string) error {
	dirs, err := runDirs(path)
	if err != nil {
		return err
	}
	for _, d := range dirs {
		if err := repairRun(d); err != nil {
			return err
		}
	}
	return nil
}

func repairRun(d rundir.Dir) error {
	for _, f := range damaged(d) {
		if removable(f) {
			if err := os.Remove(filepath.Join(d.Path, filepath.Base(f.name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("durable: %w", err)
			}
			continue
		}
		c, err := d.Control()
		if err != nil {
			return err
		}
		if err := errors.Join(d.Write(rundir.ControlCopy, c), d.Write(rundir.ControlFile, c)); err != nil {
			return err
		}
	}
	return nil
}
