package durable

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/balerhq/baler/internal/crashpoint"
)

// Output receives results in chunks, in no particular order. It is called by
// one goroutine at a time.
type Output interface {
	// Write returns once the results are safe. If it fails, or the process
	// dies before the chunk is recorded, the same results come again.
	Write(ctx context.Context, results []Result) error
}

// Rewinder is an Output that can undo what was not recorded, which makes its
// delivery exactly once.
type Rewinder interface {
	Output
	// Mark is the position behind the last Write, never "".
	Mark() string
	// Rewind undoes what was written after a mark. It is called once, before
	// the first Write; with "" if the output is new to the job, which should
	// refuse one that holds something already.
	Rewind(mark string) error
}

// Each is an Output that calls f for each result.
func Each(f func(context.Context, Result) error) Output { return each(f) }

type each func(context.Context, Result) error

func (f each) Write(ctx context.Context, results []Result) error {
	for i := range results {
		if err := f(ctx, results[i]); err != nil {
			return err
		}
	}
	return nil
}

// File is an Output that writes JSON lines, each exactly once. Make it with
// Lines.
type File struct {
	f    *os.File
	w    *bufio.Writer
	size int64
	line []byte
	made bool // the file did not exist
}

var _ Rewinder = (*File)(nil)

// Lines opens the file at path for a job's results, one JSON object a line.
// The file belongs to the job: a new one must not exist or be empty, and a
// resumed one is cut back to what was recorded.
func Lines(path string) (*File, error) {
	_, missing := os.Lstat(path)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("durable: open output: %w", err)
	}
	return &File{f: f, w: bufio.NewWriterSize(f, 1<<20), made: missing != nil}, nil
}

// Mark implements Rewinder.
func (o *File) Mark() string { return strconv.FormatInt(o.size, 10) }

// Rewind implements Rewinder.
func (o *File) Rewind(mark string) error {
	info, err := o.f.Stat()
	if err != nil {
		return fmt.Errorf("durable: output: %w", err)
	}
	if mark == "" {
		if info.Size() > 0 {
			return &MismatchError{fmt.Sprintf("output %s holds %d bytes that are not of this job: move it away or choose another",
				o.f.Name(), info.Size())}
		}
		return nil
	}
	size, err := strconv.ParseInt(mark, 10, 64)
	if err != nil {
		return fmt.Errorf("durable: output mark: %w", err)
	}
	if info.Size() < size {
		return &MismatchError{fmt.Sprintf("output %s holds %d bytes and the job has written %d: put the file back, "+
			"or begin anew under another name and with another output", o.f.Name(), info.Size(), size)}
	}
	crashpoint.Here("before cutting the output")
	if err := o.f.Truncate(size); err != nil {
		return fmt.Errorf("durable: cut output: %w", err)
	}
	o.size = size
	_, err = o.f.Seek(size, io.SeekStart)
	return err
}

// Write implements Output: the lines are synced to the disk.
func (o *File) Write(_ context.Context, results []Result) error {
	for i := range results {
		if err := o.append(&results[i]); err != nil {
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

func (o *File) append(r *Result) (err error) {
	if o.line, err = r.AppendLine(o.line[:0]); err != nil {
		return err
	}
	n, err := o.w.Write(o.line)
	o.size += int64(n)
	return err
}

// AppendLine appends the result as JSON, on the line that a File gets. It is
// that of json.Marshal, but for the response, which is copied as it stands
// instead of being checked and compacted again.
func (r *Result) AppendLine(dst []byte) ([]byte, error) {
	bare := *r
	bare.Response = nil
	head, err := json.Marshal(bare)
	if err != nil || len(r.Response) == 0 {
		return append(append(dst, head...), '\n'), err
	}
	dst = append(dst, head[:len(head)-1]...)
	dst = append(dst, `,"response":`...)
	dst = append(dst, r.Response...)
	return append(dst, "}\n"...), nil
}

// Close closes the file. One that Lines made and that got no result is removed.
func (o *File) Close() error {
	if err := o.f.Close(); err != nil {
		return fmt.Errorf("durable: close output: %w", err)
	}
	if o.made && o.size == 0 {
		return os.Remove(o.f.Name())
	}
	return nil
}
