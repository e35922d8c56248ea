package main

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/internal/atomicfile"
)

// orderedOutput is the output of a run that is written when it has ended, in
// the order of the input. It is there whole or not at all.
func (o *options) orderedOutput(out io.Writer) (*output, error) {
	info, err := os.Lstat(o.out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, usage("--out: %w", err)
	case !info.Mode().IsRegular():
		return nil, usage("--out: %s is not a regular file", o.out)
	case info.Size() > 0 && !o.hasEnded():
		return nil, usage("--out: %s holds %s bytes that are not of this run: move it away or choose another", o.out, thousands(int(info.Size())))
	}
	if dir, err := os.Stat(filepath.Dir(o.out)); err != nil || !dir.IsDir() {
		return nil, usage("--out: the directory of %s does not exist: make it first", o.out)
	}
	return &output{name: o.out, close: func() error { return nil }, finish: o.writeOrdered, summary: out}, nil
}

// hasEnded reports whether the run has ended, so that the output may be there.
func (o *options) hasEnded() bool {
	h, err := attachTo(o.state, o.name)
	if err != nil || o.fresh {
		return false
	}
	s, err := h.Status()
	return err == nil && s.Ended()
}

// writeOrdered writes the results of a run that has ended.
func (o *options) writeOrdered(job *durable.Job[source.Row]) error {
	a, err := archive.Open(job.Dir, job.Name)
	if err != nil {
		return err
	}
	return errors.Join(o.writeArchived(a), a.Close())
}

func (o *options) writeArchived(a *archive.Archive) error {
	d, err := formatOfRun(a)
	if err != nil {
		return err
	}
	q := archive.Query{Ordered: true, Codec: d.Codec, Codecs: codecsOf(d)}
	fill := func(w io.Writer) error {
		_, err := writeResults(w, a, q, &o.form, func(r *archive.Result) bool { return r.Status != durable.ItemCancelled })
		return err
	}
	if info, err := os.Stat(o.out); err == nil && info.Size() > 0 {
		if a.Pruned != nil {
			return nil // with what it should be compared is gone
		}
		return o.mustBeWritten(fill)
	}
	dir, err := os.OpenRoot(filepath.Dir(o.out))
	if err != nil {
		return err
	}
	defer dir.Close()
	return atomicfile.Create(dir, filepath.Base(o.out), func(f *os.File) error {
		w := bufio.NewWriterSize(f, 256<<10)
		return errors.Join(fill(w), w.Flush())
	})
}

// mustBeWritten refuses a file that is not what the run has written, or would.
func (o *options) mustBeWritten(fill func(io.Writer) error) error {
	f, err := os.Open(o.out)
	if err != nil {
		return err
	}
	defer f.Close()
	want, got := sha256.New(), sha256.New()
	if err := fill(want); err != nil {
		return err
	}
	if _, err := io.Copy(got, f); err != nil {
		return err
	}
	if sum := func(h hash.Hash) string { return string(h.Sum(nil)) }; sum(want) != sum(got) {
		return &durable.MismatchError{
			Reason: fmt.Sprintf("output %s is not what the run has written: put the file back as it was", o.out), Output: o.out,
		}
	}
	return nil
}

// unwritten returns the runs with --ordered that have no output: a crash came
// between the end of the run and its last step, or the file is gone.
func unwritten(dir *durable.Dir) (names []string, err error) {
	runs, err := dir.Runs()
	if err != nil {
		return nil, err
	}
	for i := range runs {
		a, err := archive.Open(dir, runs[i].Name)
		if err != nil {
			return nil, err
		}
		out, ordered := a.Setting("--out"), a.Setting("--ordered") != ""
		if err := a.Close(); err != nil {
			return nil, err
		}
		if _, err := os.Stat(out); ordered && filepath.IsAbs(out) && errors.Is(err, fs.ErrNotExist) { // the setting may be a hash
			names = append(names, runs[i].Name)
		}
	}
	return names, nil
}
