package durable

import (
	"bufio"
	"bytes"
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
	to, err := o.examine(mark, info.Size())
	if err != nil {
		return err
	}
	crashpoint.Here("before cutting the output")
	if info.Size() != to.size { // a file that is complete keeps its time of change
		if err := o.f.Truncate(to.size); err != nil {
			return fmt.Errorf("durable: cut output: %w", err)
		}
	}
	o.size = to.size
	_, err = o.f.Seek(to.size, io.SeekStart)
	return err
}

// mayRewind makes the checks of Rewind for a job that has ended, and so has
// nothing to cut off.
func (o *File) mayRewind(mark string) error {
	info, err := o.f.Stat()
	if err != nil {
		return fmt.Errorf("durable: output: %w", err)
	}
	if mark == "" {
		return o.mustBeEmpty(info.Size())
	}
	to, err := o.examine(mark, info.Size())
	if err == nil && info.Size() > to.size {
		err = o.changed(fmt.Sprintf("it holds %d bytes and the job has written %d", info.Size(), to.size))
	}
	return err
}

// examine refuses a file of another content than a mark says, or with more than
// the job's own after it.
func (o *File) examine(mark string, size int64) (to lineMark, err error) {
	if to, err = parseMark(mark); err != nil {
		return to, err
	}
	if size < to.size {
		return to, o.changed(fmt.Sprintf("it holds %d bytes and the job has written %d", size, to.size))
	}
	if err := o.compare(to); err != nil {
		return to, err
	}
	return to, o.examineTail(to.size, size-to.size)
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
// leaves the records of one chunk at most, and the last one may be torn.
func (o *File) examineTail(from, length int64) error {
	if length == 0 || o.own == nil {
		return nil
	}
	r := bufio.NewReaderSize(io.NewSectionReader(o.f, from, length), 1<<16)
	for first := from == 0; ; first = false {
		record, err := o.readRecord(r)
		switch {
		case errors.Is(err, io.EOF) && o.form.isTorn(bytes.TrimRight(record, "\x00"), first):
			return nil
		case err == nil && (first && o.form.isHead(record) || o.isOwn(record)):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return fmt.Errorf("durable: read output: %w", err)
		}
		return o.changed(fmt.Sprintf("after the %d bytes that the job has written, there are %d that it has not", from, length))
	}
}

// readRecord reads a record with its end, or io.EOF and what is left.
func (o *File) readRecord(r *bufio.Reader) (record []byte, err error) {
	for quotes := 0; ; {
		line, err := r.ReadBytes('\n')
		record, quotes = append(record, line...), quotes+bytes.Count(line, []byte(`"`))
		if err != nil || o.form.isWhole(quotes) {
			return record, err
		}
	}
}

func (o *File) isOwn(record []byte) bool {
	r, err := o.form.read(record)
	return err == nil && o.own(&r)
}
