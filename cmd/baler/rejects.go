package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/internal/atomicfile"
)

// rejects is the file of rows that cannot be used. Without one, the first such
// row ends the run.
type rejects struct{ path string }

func (r *rejects) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.path, "rejects", "", "file that gets one JSON line per row that cannot be used, once the input is read: file, line, reason and the row; without this flag, the first such row ends the run")
}

// validate refuses a file that is needed for something else. It is written
// anew.
func (r *rejects) validate(o *options) error {
	if r.path == "" {
		return nil
	}
	switch rel, err := filepath.Rel(resolved(o.state), resolved(r.path)); {
	case o.inputs.isInput(r.path):
		return usage("--rejects is the input %s: name another file for the rows that cannot be used", r.path)
	case resolved(r.path) == resolved(o.out) || resolved(r.path) == resolved(o.letters.out) && o.letters.out != "":
		return usage("--rejects is %s, which gets something else: name another file for the rows that cannot be used", r.path)
	case err == nil && filepath.IsLocal(rel):
		return usage("--rejects is in the state directory %s: name a file elsewhere", o.state)
	}
	for _, path := range []string{r.path, r.path + ".tmp"} {
		if err := mustBeRejects(path); err != nil {
			return usage("--rejects: %w", err)
		}
	}
	return nil
}

// mustBeRejects refuses a file that holds anything but rejected rows.
func mustBeRejects(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		_, err = os.Stat(filepath.Dir(path))
		return err
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New(path + " is not a regular file: name another")
	case info.Size() == 0:
		return nil
	}
	for row, err := range source.JSONL[durable.Reject](path).Items() {
		if err != nil || row.Source == "" || row.Reason == "" {
			return errors.New(path + " holds something else than rejected rows: move it away or name another")
		}
		break
	}
	return nil
}

// apply lets a job leave out the rows that cannot be used.
func (r *rejects) apply(job *durable.Job[source.Row], keep bool) {
	switch {
	case r.path == "":
	case keep:
		job.Rejects = r.write
	default:
		job.Rejects = func(iter.Seq2[durable.Reject, error]) error { return nil }
	}
}

// write replaces the file.
func (r *rejects) write(all iter.Seq2[durable.Reject, error]) error {
	dir, err := os.OpenRoot(filepath.Dir(r.path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return atomicfile.Create(dir, filepath.Base(r.path), func(f *os.File) error {
		w := bufio.NewWriter(f)
		lines := json.NewEncoder(w)
		lines.SetEscapeHTML(false)
		for rejected, err := range all {
			if err != nil {
				return err
			}
			if err := lines.Encode(rejected); err != nil {
				return err
			}
		}
		return w.Flush()
	})
}
