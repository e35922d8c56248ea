package jobdir

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/balerhq/baler/internal/journal"
)

// Find looks for the job of that name among all that have a directory.
func Find(state *os.Root, name string) (Meta, error) {
	all, err := List(state)
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
	return Meta{}, errors.Join(fmt.Errorf("%w: %q; there is %s", ErrNoRun, name, strings.Join(names, ", ")), err)
}

// List returns all jobs that have a directory, by name, with the newest epoch
// of each. The error names the jobs whose journal cannot be read.
func List(state *os.Root) (all []Meta, err error) {
	entries, err := fs.ReadDir(state.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), JobPrefix) {
			continue
		}
		switch job, err := ReadMeta(state, e.Name()); {
		case err != nil:
			errs = append(errs, fmt.Errorf("durable: %s: %w", e.Name(), err))
		case job != nil:
			all = append(all, *job)
		}
	}
	slices.SortFunc(all, func(a, b Meta) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(b.Epoch, a.Epoch))
	})
	all = slices.CompactFunc(all, func(a, b Meta) bool { return a.Name == b.Name })
	return all, errors.Join(errs...)
}

// ReadMeta reads what a journal says of its job last: it says so anew if more
// is added with other settings. It returns nil if no line was written yet.
// Damage after the first line is told when the rest is read.
func ReadMeta(state *os.Root, dir string) (job *Meta, err error) {
	err = journal.Read(state, dir+"/"+JournalFile, "", func(record []byte) error {
		if job != nil && !bytes.Contains(record, []byte(`"job":`)) {
			return nil
		}
		l, err := DecodeLine(record)
		if err == nil && l.Job != nil {
			job = l.Job
		}
		return err
	})
	if job != nil || errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return job, err
}

// ErrNoRun means that a state directory has no run of the name.
var ErrNoRun = errors.New("durable: no such run")
