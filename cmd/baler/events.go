package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
)

// events is where the events of a run go.
type events struct {
	path   string
	stream *os.File // that the path names as an open file, nil if it names none
}

func (e *events) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&e.path, "events", "", "file to which one JSON line is appended per event: states of the run, batches and routes, results without their answers, and notices; - is standard output")
}

// validate refuses a file that is needed for something else, before anything is
// bought.
func (e *events) validate(o *options) error {
	if e.path == "" {
		return nil
	}
	fd, stream := descriptor(e.path)
	outFD, outStream := descriptor(o.out)
	switch {
	case stream && outStream && fd == outFD:
		return usage("--events and --out are both standard output: give one of them a file")
	case stream:
		return nil
	case o.inputs.isInput(e.path):
		return usage("--events is the input %s: name another file", e.path)
	case resolved(e.path) == resolved(o.out):
		return usage("--events is --out %s: name another file", e.path)
	}
	if rel, err := filepath.Rel(resolved(o.state), resolved(e.path)); err == nil && filepath.IsLocal(rel) {
		return usage("--events is in the state directory %s: name a file elsewhere", o.state)
	}
	if err := mustBeEvents(e.path); err != nil {
		return usage("--events: %w", err)
	}
	return nil
}

// mustBeEvents refuses a file that holds anything but events.
func mustBeEvents(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return err // whoever reads a pipe has asked for it
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, 1<<16)).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	var first durable.Event
	if json.Unmarshal(line, &first) != nil || first.V == 0 || first.Seq == 0 {
		return fmt.Errorf("%s holds something else than events: name another file", path)
	}
	return nil
}

// openDescriptor opens what --events names if it is an open file. As that of
// --out, it must come before this process opens files of its own, whose numbers
// --events may name.
func (e *events) openDescriptor() error {
	fd, ok := descriptor(e.path)
	if !ok {
		return nil
	}
	f := os.Stdout
	if fd != f.Fd() {
		f = os.NewFile(fd, e.path)
	}
	if f == nil {
		return usage("--events %s is no open file", e.path)
	}
	if _, err := f.Write(nil); err != nil {
		return usage("--events: %w", err)
	}
	if _, err := f.Stat(); err != nil {
		return usage("--events: %w", err)
	}
	e.stream = f
	return nil
}

// These are for readers that are slow, or do not read at all.
const (
	maxLines = 1 << 14         // that wait for it
	lastWait = 2 * time.Second // for it, once the run has ended
)

// eventLog writes events as lines, in a goroutine of its own. So whoever reads
// them holds up nothing: if too many lines wait for a stream, others are left
// out, and the numbers of the events show it.
type eventLog struct {
	f       *os.File
	file    bool // a regular file, which gets all events
	lines   chan []byte
	written chan struct{} // everything is
	err     error         // the first; then nothing more is written
}

// open opens the file.
func (e *events) open() (*eventLog, error) {
	f := e.stream
	if f == nil {
		var err error
		if f, err = openEvents(e.path); err != nil {
			return nil, err
		}
	}
	l := &eventLog{f: f, lines: make(chan []byte, maxLines), written: make(chan struct{})}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		l.file = true
	} else {
		signal.Ignore(syscall.SIGPIPE) // a reader that goes away is an error like others
	}
	go l.write()
	return l, nil
}

// openEvents opens a file to append to it, and completes its last line if a
// crash has cut that.
func openEvents(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		f, err := openDevice(path)
		if err != nil {
			return nil, usage("--events: %w", err)
		}
		return f, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, usage("--events: %w", err)
	}
	last := make([]byte, 1)
	if info, err := f.Stat(); err == nil && info.Size() > 0 {
		if _, err := f.ReadAt(last, info.Size()-1); err == nil && last[0] != '\n' {
			_, _ = f.WriteString("\n") // an error comes again
		}
	}
	return f, nil
}

// observe takes an event.
func (l *eventLog) observe(e durable.Event) {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(e) != nil {
		return // it always can
	}
	select {
	case l.lines <- line.Bytes():
	default:
		if l.file {
			l.lines <- line.Bytes()
		}
	}
}

// write writes lines until there are no more. Those that wait go together.
func (l *eventLog) write() {
	defer close(l.written)
	w := bufio.NewWriterSize(l.f, 1<<16)
	for line := range l.lines {
		if l.err != nil {
			continue
		}
		if _, l.err = w.Write(line); l.err == nil && len(l.lines) == 0 {
			l.err = w.Flush()
		}
	}
}

// end waits until all is written, but not for ever: the results of a run do not
// depend on who reads its events.
func (l *eventLog) end(tell io.Writer) {
	close(l.lines)
	timeout := make(<-chan time.Time)
	if !l.file {
		timer := time.NewTimer(lastWait)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-l.written:
	case <-timeout:
		fmt.Fprintf(tell, "baler: the events are not complete: nobody reads %s\n", l.f.Name())
		return // the process ends
	}
	err := l.err
	if l.file {
		err = errors.Join(err, l.f.Close())
	}
	if err != nil {
		fmt.Fprintf(tell, "baler: the events are not complete: %v\n", err)
	}
}

// attach lets a job's events go where they are to.
func (e *events) attach(job *durable.Job[source.Row], tell io.Writer) (end func(), err error) {
	if e.path == "" {
		return func() {}, nil
	}
	l, err := e.open()
	if err != nil {
		return nil, err
	}
	job.AlsoObserve(l.observe)
	return func() { l.end(tell) }, nil
}
