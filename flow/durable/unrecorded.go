package durable

import (
	"errors"
	"fmt"
	"os"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
)

// unrecorded tells the results that this job may have handed on without a record
// of it: those of batches that it is about to settle. Others behind the mark of
// an output are of another run, of a newer copy of this state directory, or of
// nobody.
func (e *engine) unrecorded() func(*Result) bool {
	var rows map[jobdir.ItemHash]map[string]bool // the batches that may answer each
	return func(r *Result) bool {
		if rows == nil {
			rows = e.settledNext()
		}
		batches := rows[jobdir.HashKey(r.ID)]
		return batches[r.Batch] || r.Cached && len(batches) > 0
	}
}

func (e *engine) settledNext() map[jobdir.ItemHash]map[string]bool {
	rows := make(map[jobdir.ItemHash]map[string]bool)
	for _, in := range e.open {
		if in.State != intent.Fetched {
			continue
		}
		entries, err := e.Entries(in.Tag, in.Rows)
		if err != nil {
			continue // its results cannot be told from others
		}
		for i := range entries {
			h := jobdir.HashKey(entries[i].Key)
			if rows[h] == nil {
				rows[h] = make(map[string]bool, 1)
			}
			rows[h][in.Batch] = true
		}
	}
	return rows
}

// mustOwnOutput refuses an output file that another run of the state directory
// has written to and is not done with.
func (c *config) mustOwnOutput() error {
	path := outputPath(c.output)
	if path == "" {
		return nil
	}
	runs, err := Runs(c.store.Path())
	if err != nil {
		return err
	}
	for i := range runs {
		s := &runs[i]
		if s.Name == c.name || s.Ended() || s.Batches == 0 || !sameFile(s.Output, path) {
			continue
		}
		return &MismatchError{Reason: fmt.Sprintf("output %s is that of the run %q, which has not ended: choose another", path, s.Name)}
	}
	return nil
}

// sameFile reports whether two paths name one file, by whatever way.
func sameFile(a, b string) bool {
	if a == "" || a == b {
		return a == b
	}
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errors.Join(errX, errY) == nil && os.SameFile(x, y)
}
