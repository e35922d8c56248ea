package durable

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/crashpoint"
)

// ErrOutputInUse means that another run, in this process or another, writes to
// the output file.
var ErrOutputInUse = errors.New("durable: another run writes to this output")

// File is an Output that writes results to a file, each exactly once. Make it
// with Lines or CSV.
type File struct {
	f    *os.File
	path string
	form recordForm
	w    *bufio.Writer
	size int64  // of what was written
	sum  uint32 // CRC-32C of it
	made bool   // the file did not exist
	own  func(*Result) bool
}

var (
	_ Rewinder  = (*File)(nil)
	_ tailJudge = (*File)(nil)
)

// Lines opens the file at path for a job's results, one JSON object a line. The
// file belongs to the job: a new one must not exist or be empty, and a resumed
// one must be as the job left it. A crash may leave results after the recorded
// end. They are cut off if they are the job's own.
//
// The file is locked until Close, or until the process is gone; the error is
// ErrOutputInUse if another holds the lock. Systems other than Linux, macOS and
// FreeBSD lock nothing. A symbolic link is refused, and so is anything that is
// not a regular file: see StreamTo.
func Lines(path string) (*File, error) { return openFile(path, jsonLines{}) }

func openFile(path string, form recordForm) (*File, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("durable: open output: %w", err)
	}
	for {
		o, err := openLocked(abs)
		if err != nil {
			return nil, err
		}
		o.form = form
		if o.inPlace() == nil {
			return o, nil
		}
		// Whoever held the lock has removed the file meanwhile.
		if err := o.f.Close(); err != nil {
			return nil, fmt.Errorf("durable: open output: %w", err)
		}
	}
}

func openLocked(path string) (*File, error) {
	if err := mustBeRegular(path); err != nil {
		return nil, err
	}
	made := true
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		made = false
		f, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("durable: open output: %w", err)
	}
	free, err := lockOutput(f)
	switch {
	case err != nil:
		return nil, errors.Join(fmt.Errorf("durable: lock output %s: %w", path, err), f.Close())
	case !free:
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrOutputInUse, path), f.Close())
	}
	return &File{f: f, path: path, w: bufio.NewWriterSize(f, 1<<20), made: made}, nil
}

// mustBeRegular refuses a file that cannot be cut back, and a link. It accepts
// a path where nothing exists yet.
func mustBeRegular(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("durable: open output: %w", err)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		return errors.Join(fmt.Errorf("durable: output %s is a symbolic link to %s: name the file itself", path, target), err)
	case info.IsDir():
		return fmt.Errorf("durable: output %s is a directory: name a file in it", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("durable: output %s is not a regular file", path)
	}
	return nil
}

// Path returns the absolute path of the file.
func (o *File) Path() string { return o.path }

// inPlace reports an error unless path still names the file that is open.
func (o *File) inPlace() error {
	open, err := o.f.Stat()
	if err != nil {
		return fmt.Errorf("durable: output: %w", err)
	}
	named, err := os.Lstat(o.path)
	if err != nil || !os.SameFile(open, named) {
		return o.changed("it was moved, removed or replaced")
	}
	return nil
}

// Write implements Output. It syncs the lines to the disk.
func (o *File) Write(_ context.Context, results []Result) error {
	if err := o.untouched(); err != nil {
		return err
	}
	if o.size == 0 {
		if err := o.form.writeHead(lineWriter{o}); err != nil {
			return fmt.Errorf("durable: write output: %w", err)
		}
	}
	for i := range results {
		if err := o.form.write(lineWriter{o}, &results[i]); err != nil {
			return fmt.Errorf("durable: write output: %w", err)
		}
	}
	crashpoint.Here("before writing results")
	if err := errors.Join(o.w.Flush(), o.f.Sync()); err != nil {
		return fmt.Errorf("durable: write output: %w", err)
	}
	crashpoint.Here("after writing results")
	return nil
}

// untouched refuses to write to a file that somebody has changed since the last
// Write. A change within the file is noticed by the next Rewind.
func (o *File) untouched() error {
	if err := o.inPlace(); err != nil {
		return err
	}
	info, err := o.f.Stat()
	if err != nil {
		return fmt.Errorf("durable: output: %w", err)
	}
	if info.Size() != o.size {
		return o.changed(fmt.Sprintf("it holds %d bytes and the job has written %d", info.Size(), o.size))
	}
	return nil
}

// lineWriter writes a part of a line and keeps what a mark needs.
type lineWriter struct{ *File }

func (o lineWriter) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	o.size += int64(n)
	o.sum = crc32.Update(o.sum, jobdir.Castagnoli, p[:n])
	return n, err
}

// Close closes the file. One that Lines made and that got no result is removed.
// The error is a *MismatchError if the file is no longer where it was.
func (o *File) Close() error {
	var err error
	switch {
	case o.size > 0:
		err = o.inPlace()
	case o.made && o.inPlace() == nil:
		err = os.Remove(o.path) // while it is locked
	}
	if closed := o.f.Close(); closed != nil {
		err = errors.Join(err, fmt.Errorf("durable: close output: %w", closed))
	}
	return err
}
