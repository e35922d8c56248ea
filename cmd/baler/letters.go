package main

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/retry"
)

// letters are the files of failed rows of a run: one that it writes, and one
// that it reads as its input.
type letters struct{ out, from string }

func (l *letters) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&l.out, "dead-letters", "", "file that gets one JSON line per failed row once the run has ended: the row as it was, and why it failed")
	f.StringVar(&l.from, "from-failed", "", "run the rows in a file of --dead-letters again, under their ids, instead of INPUT; what they have cost before is paid again; with --choose all each goes to the route that failed it")
}

// set adds what must be the same at each start.
func (l *letters) set(settings map[string]string) {
	if l.from != "" {
		settings["--from-failed"] = absolute(l.from)
	}
}

// validate refuses a file that is needed for something else, before anything is
// bought. A file of dead letters is written anew.
func (l *letters) validate(o *options) error {
	if l.out == "" {
		return nil
	}
	switch {
	case o.inputs.appends:
		return usage("--dead-letters is given beside --append, whose earlier inputs may be gone: leave it out, and use \"baler retry\" once the run has ended")
	case o.inputs.isInput(l.out):
		return usage("--dead-letters is the input %s: name another file for the rows that fail", l.out)
	case resolved(l.out) == resolved(o.out):
		return usage("--dead-letters is --out %s: name another file for the rows that fail", l.out)
	}
	if rel, err := filepath.Rel(resolved(o.state), resolved(l.out)); err == nil && filepath.IsLocal(rel) {
		return usage("--dead-letters is in the state directory %s: name a file elsewhere", o.state)
	}
	if err := mayBeReplaced(l.out); err != nil {
		return usage("--dead-letters: %w", err)
	}
	return nil
}

// mayBeReplaced refuses a file that holds anything but dead letters, and one
// that has the name under which they are written first.
func mayBeReplaced(path string) error {
	if err := mustBeLetters(path); err != nil {
		return err
	}
	return mustBeLetters(path + ".tmp")
}

// mustBeLetters refuses a file that holds anything but dead letters.
func mustBeLetters(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		info, err = os.Stat(filepath.Dir(path))
		if err == nil && !info.IsDir() {
			err = &fs.PathError{Op: "open", Path: filepath.Dir(path), Err: errors.New("is not a directory")}
		}
		return err
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New(path + " is not a regular file: name another")
	case info.Size() == 0:
		return nil
	}
	for _, err := range source.DeadLetters(path).Items() {
		if err != nil {
			return errors.New(path + " holds something else than dead letters: move it away or name another")
		}
		break
	}
	return nil
}

// write writes the rows of a run that have failed. The input must be as it was
// read.
func (l *letters) write(job *durable.Job[source.Row]) error {
	if l.out == "" {
		return nil
	}
	if err := errors.Join(job.Source.Resume(job.Source.Checkpoint()), job.Source.Resume("")); err != nil {
		return err
	}
	a, err := archive.Open(job.Dir, job.Name)
	if err != nil {
		return err
	}
	_, err = writeLetters(l.out, a, job.Source, job.Key)
	return errors.Join(err, a.Close())
}

// writeLetters replaces the file at path by the rows of a run that have failed,
// and counts them.
func writeLetters(path string, a *archive.Archive, rows durable.Source[source.Row], key func(source.Row) string) (n int, err error) {
	format, err := formatOfRun(a)
	if err != nil {
		return 0, err
	}
	dir, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	err = atomicfile.Create(dir, filepath.Base(path), func(f *os.File) error {
		w := bufio.NewWriterSize(f, 256<<10)
		out := retry.NewDeadLetters[source.Row](w)
		for letter, err := range archive.DeadLetters(a, archive.Query{Codec: format.Codec, Codecs: codecsOf(format)}, rows, key) {
			if err != nil {
				return err
			}
			if err := out.Append(letter); err != nil {
				return err
			}
			n++
		}
		return w.Flush()
	})
	return n, err
}
