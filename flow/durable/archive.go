package durable

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/internal/journal"
)

// Archive is what a state directory keeps of a run: what was asked, bought and
// answered. It is read from files alone, so that the run may be under way in
// this process or another, or be over for long; an Archive shows what was
// settled when it was opened. Its methods may be called concurrently.
type Archive struct {
	files
	*memory
	cancelled bool // for good
}

// OpenArchive opens what the directory keeps of the run of that name; ErrNoRun
// if there is none. To be closed. It reads the journal of the run, which has a
// few lines for each batch.
func OpenArchive(stateDir, name string) (*Archive, error) {
	state, err := os.OpenRoot(stateDir)
	if err != nil {
		return nil, fmt.Errorf("durable: state directory: %w", err)
	}
	a, err := openArchive(state, name)
	return a, errors.Join(err, state.Close())
}

func openArchive(state *os.Root, name string) (*Archive, error) {
	job, err := findJob(state, name)
	if err != nil {
		return nil, err
	}
	run, _, err := newRunDir(state.Name(), name).look() // first: nothing is settled after a run is cancelled
	if err != nil && !errors.Is(err, ErrNoRun) {
		return nil, err
	}
	if err := atomicfile.Private(state, job.keys().dir()); err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	root, err := state.OpenRoot(job.keys().dir())
	if err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	a := &Archive{files: files{path: state.Name(), keys: job.keys(), id: job.ID, root: root}, memory: newMemory(), cancelled: run.State == Cancelled}
	if err := journal.Read(root, journalFile, job.ID, a.replay); err != nil {
		return nil, errors.Join(a.damaged(journalFile, err), root.Close())
	}
	return a, nil
}

// Name is the name of the run.
func (a *Archive) Name() string { return a.job.Name }

// Provider is the short name of the provider that answers it.
func (a *Archive) Provider() string { return a.job.Provider }

// Close closes the directory.
func (a *Archive) Close() error { return a.root.Close() }

// isPruned says since when.
func (a *Archive) isPruned() error {
	return fmt.Errorf("%w: %q, on %s", ErrPruned, a.job.Name, a.pruned.At.Format(time.RFC1123))
}

// findJob looks for the job among all that have a directory. One that began
// anew left nothing of what was before.
func findJob(state *os.Root, name string) (jobMeta, error) {
	all, err := jobs(state)
	var names []string
	for _, j := range all {
		if j.Name == name {
			return j, nil
		}
		names = append(names, fmt.Sprintf("%q", j.Name))
	}
	if len(names) == 0 {
		names = []string{"none"}
	}
	return jobMeta{}, errors.Join(fmt.Errorf("%w: %q; there is %s", ErrNoRun, name, strings.Join(names, ", ")), err)
}

// jobs lists all that have a directory, by name, the newest epoch of each. The
// error is about those of which the journal cannot be read.
func jobs(state *os.Root) (all []jobMeta, err error) {
	entries, err := fs.ReadDir(state.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), jobPrefix) {
			continue
		}
		switch job, err := readJob(state, e.Name()); {
		case err != nil:
			errs = append(errs, fmt.Errorf("durable: %s: %w", e.Name(), err))
		case job != nil:
			all = append(all, *job)
		}
	}
	slices.SortFunc(all, func(a, b jobMeta) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(b.Epoch, a.Epoch))
	})
	all = slices.CompactFunc(all, func(a, b jobMeta) bool { return a.Name == b.Name })
	return all, errors.Join(errs...)
}

// readJob reads the first line of a journal; nil if none was written yet.
func readJob(state *os.Root, dir string) (job *jobMeta, err error) {
	enough := errors.New("enough")
	err = journal.Read(state, dir+"/"+journalFile, "", func(record []byte) error {
		var l logged
		if err := json.Unmarshal(record, &l); err != nil {
			return err
		}
		job = l.Job
		return enough
	})
	if errors.Is(err, enough) || errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return job, err
}
