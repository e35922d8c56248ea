package durable

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/crashpoint"
)

// lineMark is a position in a File: how many bytes were written, and their
// checksum.
type lineMark struct {
	size   int64
	sum    uint32
	summed bool
}

// Mark implements Rewinder.
func (o *File) Mark() string { return fmt.Sprintf("%d:%08x", o.size, o.sum) }

func parseMark(mark string) (m lineMark, err error) {
	size, sum, summed := strings.Cut(mark, ":")
	if m.size, err = strconv.ParseInt(size, 10, 64); err != nil || m.size < 0 {
		return m, fmt.Errorf("durable: output mark %q is not a position", mark)
	}
	if !summed {
		return m, nil
	}
	n, err := strconv.ParseUint(sum, 16, 32)
	if err != nil {
		return m, fmt.Errorf("durable: output mark %q is not a position", mark)
	}
	m.sum, m.summed = uint32(n), true
	return m, nil
}

// judgeTail implements tailJudge.
func (o *File) judgeTail(own func(*Result) bool) { o.own = own }

// changed returns the error for a file that is not as the job left it.
func (o *File) changed(how string) error {
	return &MismatchError{
		Reason: fmt.Sprintf("output %s is not as the job left it: %s: put the file back as it was", o.path, how),
		Output: o.path,
	}
}

// Rewind implements Rewinder. It reads the file once to check that it is as the
// job left it.
func (o *File) Rewind(mark string) error {
	info, err := o.f.Stat()
	if err != nil {
		return fmt.Errorf("durable: output: %w", err)
	}
	if mark == "" {
		return o.mustBeEmpty(info.Size())
	}
	to, err := parseMark(mark)
	if err != nil {
		return err
	}
	if info.Size() < to.size {
		return o.changed(fmt.Sprintf("it holds %d bytes and the job has written %d", info.Size(), to.size))
	}
	if err := o.compare(to); err != nil {
		return err
	}
	if err := o.examineTail(to.size, info.Size()-to.size); err != nil {
		return err
	}
	crashpoint.Here("before cutting the output")
	if err := o.f.Truncate(to.size); err != nil {
		return fmt.Errorf("durable: cut output: %w", err)
	}
	o.size = to.size
	_, err = o.f.Seek(to.size, io.SeekStart)
	return err
}

// mustBeNew makes the check that Rewind makes for an output that is new to the
// job.
func (o *File) mustBeNew() error {
	info, err := o.f.Stat()
	if err != nil {
		return fmt.Errorf("durable: output: %w", err)
	}
	return o.mustBeEmpty(info.Size())
}

func (o *File) mustBeEmpty(size int64) error {
	if size == 0 {
		return nil
	}
	return &MismatchError{Reason: fmt.Sprintf("output %s holds %d bytes that are not of this job: move it away or choose another",
		o.path, size)}
}

// compare reads the bytes that the job has written, checks their checksum and
// keeps it.
func (o *File) compare(to lineMark) error {
	sum := crc32.New(jobdir.Castagnoli)
	if _, err := io.Copy(sum, io.NewSectionReader(o.f, 0, to.size)); err != nil {
		return fmt.Errorf("durable: read output: %w", err)
	}
	if to.summed && sum.Sum32() != to.sum {
		return o.changed(fmt.Sprintf("its first %d bytes were changed", to.size))
	}
	o.sum = sum.Sum32()
	return nil
}

// examineTail refuses to cut off bytes that are not the job's own. A crash
// leaves the lines of one chunk at most, and the last line may be torn.
func (o *File) examineTail(from, length int64) error {
	if length == 0 || o.own == nil {
		return nil
	}
	r := bufio.NewReaderSize(io.NewSectionReader(o.f, from, length), 1<<16)
	for {
		line, err := r.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && isTorn(line):
			return nil
		case err == nil && o.isOwn(line):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return fmt.Errorf("durable: read output: %w", err)
		}
		return o.changed(fmt.Sprintf("after the %d bytes that the job has written, there are %d that it has not", from, length))
	}
}

func (o *File) isOwn(line []byte) bool {
	var r Result
	return json.Unmarshal(line, &r) == nil && o.own(&r)
}

// isTorn reports whether bytes without an end of line may be the beginning of a
// result. After a power failure, a file system may have zeros in place of the
// rest.
func isTorn(rest []byte) bool {
	const begin = `{"id":"`
	rest = bytes.TrimRight(rest, "\x00")
	n := min(len(rest), len(begin))
	return string(rest[:n]) == begin[:n]
}
