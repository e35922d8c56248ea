package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
)

// stdout is how --out says standard output.
const stdout = "-"

// output is where the results of a run go.
type output struct {
	durable.Output
	name    string // as the summary calls it
	close   func() error
	finish  func(*durable.Job[source.Row]) error // once the run has ended; may be nil
	summary io.Writer                            // not the results'
}

// openDescriptor opens what --out names if it is an open file, nil if not. It
// must come before this process opens files of its own, whose numbers --out may
// name.
func (o *options) openDescriptor(out, errOut io.Writer) (*output, error) {
	switch fd, ok := descriptor(o.out); {
	case !ok:
		return nil, nil
	case fd == 1:
		return streamOutput(os.NewFile(fd, "standard output"), errOut)
	default:
		return streamOutput(os.NewFile(fd, o.out), out)
	}
}

// openOutput opens any other, or refuses it before anything is bought.
func (o *options) openOutput(out io.Writer) (*output, error) {
	info, err := os.Stat(o.out)
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		f, err := openDevice(o.out)
		if err != nil {
			return nil, err
		}
		return streamOutput(f, out)
	}
	if err := o.refuseOutput(info); err != nil {
		return nil, err
	}
	if o.form.ordered {
		return o.orderedOutput(out)
	}
	f, err := o.form.open(o.out)
	if err != nil {
		return nil, usage("--out: %w", err)
	}
	return &output{Output: f, name: o.out, close: f.Close, summary: out}, nil
}

// descriptor is the open file that --out names: 1 for "-".
func descriptor(out string) (fd uintptr, ok bool) {
	switch out {
	case stdout, "/dev/stdout":
		return 1, true
	case "/dev/stderr":
		return 2, true
	}
	for _, dir := range []string{"/dev/fd/", "/proc/self/fd/"} {
		if digits, found := strings.CutPrefix(out, dir); found {
			n, err := strconv.ParseUint(digits, 10, 16)
			return uintptr(n), err == nil
		}
	}
	return 0, false
}

// streamOutput writes to what cannot be taken back. A reader that goes away is
// an error like others, and does not end the process.
func streamOutput(f *os.File, summary io.Writer) (*output, error) {
	s, err := durable.StreamTo(f)
	if err != nil {
		return nil, usage("--out: %w", err)
	}
	signal.Ignore(syscall.SIGPIPE)
	return &output{Output: s, name: f.Name(), close: f.Close, summary: summary}, nil
}

// openDevice opens a device or a named pipe.
func openDevice(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ENXIO) {
		return nil, usage("--out: nobody reads the pipe %s: start its reader first", path)
	}
	if err != nil {
		return nil, usage("--out: %w", err)
	}
	return f, nil
}

// refuseOutput refuses a file that is needed for something else.
func (o *options) refuseOutput(info fs.FileInfo) error {
	if o.inputs.isInput(o.out) {
		return usage("--out is the input %s: name another file for the results", o.out)
	}
	for _, std := range []*os.File{os.Stdout, os.Stderr} {
		if other, err := std.Stat(); err == nil && info != nil && os.SameFile(other, info) {
			return usage("--out is %s, and so is %s of this command: use --out - to write only the results there", o.out, std.Name())
		}
	}
	if rel, err := filepath.Rel(resolved(o.state), resolved(o.out)); err == nil && filepath.IsLocal(rel) {
		return usage("--out is in the state directory %s: name a file elsewhere", o.state)
	}
	return nil
}

// resolved is the absolute path without symbolic links, as far as it exists.
func resolved(path string) string {
	path = absolute(path)
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	if dir := filepath.Dir(path); dir != path {
		return filepath.Join(resolved(dir), filepath.Base(path))
	}
	return path
}

// outputSetting is the output as a later start must name it, too.
func outputSetting(out string) string {
	if _, ok := descriptor(out); ok {
		return stdout // a shell numbers the others anew each time
	}
	return absolute(out)
}
