// Package download reads result files: each row once, over as many calls as it
// takes.
package download

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"sync"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/internal/linereader"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
)

var (
	// errShort is the end of a file that has fewer rows than the batch counted,
	// or that ends within a line.
	errShort = errors.New("file ends early")
	// errNoResults is a body without a line that is a result, such as the page
	// of a proxy or the object of an error.
	errNoResults = errors.New("no line of it is a result")
	// errUnreadable is a line that may be better in another download.
	errUnreadable = errors.New("line cannot be read")
)

// Format is how a provider writes the lines of a result file.
type Format struct {
	// Parse reads a line. Beside an error the Outcome belongs to no row.
	Parse func(line []byte) (sink.Outcome, error)
	// ID is the member of a line that names its row.
	ID string
}

// File is a result file to be read. A file that is read from the start again
// may be in another order, so that rows are known by their IDs.
type File struct {
	Client *client.Client
	Call   httpclient.Call // for its content
	Name   string          // for errors
	Format *Format
	Least  int // rows that it must have
	// Part is what an observer is told that lines are, see sink.ObserveRaw.
	// Zero means sink.RawOutput.
	Part sink.RawPart
	// Lines finds the lines in the body, see Elements. Nil means that the body
	// consists of lines. A body that does not is not taken up in its middle.
	Lines func(body io.Reader) io.Reader
	// Scan reads a body whose rows stand in lists, in its own way. It
	// calls begin where a list begins, and row with each element. An error of
	// row is returned as it is. Nil means that rows are lines.
	//
	// A second list repeats what the first has. A row that names itself in
	// neither has its place in the list as its Line.
	Scan func(body io.Reader, begin func(), row func(element []byte) error) error

	observe func(sink.RawPart, []byte) // nil if nobody does
	yield   func(sink.Outcome, error) bool
	rows    *tally
	at      place // after the last line that was read
	doubted bool  // an unreadable line was given another chance
	short   bool  // a file that ends early was given another chance
	stopped bool  // yield wants no more
}

// Rows is how many rows came.
func (d *File) Rows() int {
	if d.rows == nil {
		return 0
	}
	return len(d.rows.ticks)
}

// Read yields what can be read of the file, and reports whether more is wanted.
// After a broken connection it asks for the rest. A line that cannot be read,
// however often it is downloaded, is an Outcome without ID and Line, but not
// the last one if it has no end, and none of a body that has no result in it.
//
// The error says that the rest cannot be read now. A file that is short every
// time is all that the provider has: what is missing in it is for the caller to
// see.
func (d *File) Read(ctx context.Context, yield func(sink.Outcome, error) bool) (more bool, err error) {
	d.yield, d.rows, d.observe = yield, newTally(), sink.RawObserver(ctx)
	if err := d.Client.Repeat(ctx, d.resume); err != nil {
		return !d.stopped, fmt.Errorf("download %s: %w", d.Name, err)
	}
	return !d.stopped, nil
}

func (d *File) resume(ctx context.Context) error {
	call := d.Call
	call.Kind, call.Header = httpclient.Download, d.at.header(call.Header)
	reply, err := d.Client.Stream(ctx, call)
	if err != nil && client.Status(err) == http.StatusRequestedRangeNotSatisfiable && d.at.known() {
		d.at = place{}
		return retry.Mark(err, retry.Retryable)
	}
	if err != nil {
		return err
	}
	defer reply.Close()
	if !d.at.continues(reply) {
		d.at = startOf(reply)
		d.rows.restart()
	}
	switch {
	case d.Scan != nil:
		err = d.scan(reply)
	case d.Lines != nil:
		d.at = place{}
		err = d.readLines(d.Lines(reply))
	default:
		err = d.readLines(reply)
	}
	if errors.Is(err, errShort) && d.short {
		return nil
	}
	d.short = d.short || errors.Is(err, errShort)
	return err
}

// lineReaders has the buffers of files that are read, since many files have less
// than one.
var lineReaders = sync.Pool{New: func() any { return linereader.New(nil, 64<<10, maxLine) }}

func (d *File) readLines(body io.Reader) error {
	r := lineReaders.Get().(*linereader.Reader)
	r.Reset(body)
	defer func() {
		r.Reset(nil)
		lineReaders.Put(r)
	}()
	return d.read(&lineReader{r: r, at: d.at})
}

// read yields the lines of a reply. An error leaves d.at where to go on.
func (d *File) read(lines *lineReader) error {
	for {
		line, whole, err := lines.next()
		switch {
		case errors.Is(err, io.EOF):
			d.at = place{} // the file is not what it should be, or it is over
			return d.end(lines.n)
		case err != nil:
			return fmt.Errorf("line %d: %w", lines.n+1, err)
		}
		o, err := d.parse(line, lines.tooLong)
		if !lines.tooLong {
			d.show(line, o, err, whole)
		}
		if err := d.take(lines.n, o, err, whole); err != nil || d.stopped {
			return err
		}
		d.at = lines.at
	}
}

// errStopped ends Scan when yield wants no more.
var errStopped = errors.New("no more is wanted")

// scan yields the rows of a body that the caller reads. It cannot be taken up
// in its middle.
func (d *File) scan(body io.Reader) error {
	n := 0
	begin := func() {
		d.rows.restart()
		n = 0
	}
	err := d.Scan(body, begin, func(element []byte) error {
		n++
		o, err := d.Format.Parse(element)
		if o.ID == "" {
			o.Line = n
		}
		d.show(element, o, err, true)
		if err := d.take(n, o, err, true); err != nil || !d.stopped {
			return err
		}
		return errStopped
	})
	d.at = place{}
	if d.stopped {
		return nil
	}
	if err != nil {
		return err
	}
	return d.end(n)
}

func (d *File) parse(line []byte, tooLong bool) (sink.Outcome, error) {
	if tooLong {
		return parseHead(line, d.Format.ID)
	}
	return d.Format.Parse(line)
}

// show shows a line to the observer. One that cannot be read is shown once it is
// clear that another reading brings none that is better.
func (d *File) show(line []byte, o sink.Outcome, err error, whole bool) {
	if d.observe != nil && (readable(&o, err) || whole && d.doubted) {
		d.observe(cmp.Or(d.Part, sink.RawOutput), line)
	}
}

// end judges a file that was read to its end.
func (d *File) end(lines int) error {
	switch {
	case d.rows.lines == 0 && lines > 0:
		return retry.Mark(fmt.Errorf("%w: %d lines", errNoResults, lines), retry.Retryable)
	case d.rows.torn:
		return retry.Mark(fmt.Errorf("%w: within line %d", errShort, lines), retry.Retryable)
	case len(d.rows.ticks) < d.Least:
		return retry.Mark(fmt.Errorf("%w: after %d of %d rows", errShort, len(d.rows.ticks), d.Least), retry.Retryable)
	}
	return nil
}

// take yields line n, as it was read. What cannot be read is given another
// chance: the line may be torn, and if it is not, others may be no better. It
// is never what the file begins with, or ends with without being whole.
func (d *File) take(n int, o sink.Outcome, err error, whole bool) error {
	readable := readable(&o, err)
	switch {
	case !readable && !whole:
		d.rows.torn = true
		return nil
	case !readable && d.rows.lines == 0:
		d.rows.unreadable++ // until a row follows, the whole body may be something else
		return nil
	case (!readable || d.rows.lines == 0 && d.rows.unreadable > 0) && !d.doubted:
		d.doubted, d.at = true, place{}
		return retry.Mark(fmt.Errorf("line %d: %w", n, errors.Join(errUnreadable, err)), retry.Retryable)
	case !readable:
		d.rows.unreadable++
	default:
		d.rows.lines++
	}
	return d.giveAll(o, readable)
}

// readable reports whether a line names its row.
func readable(o *sink.Outcome, err error) bool { return err == nil && (o.ID != "" || o.Line > 0) }

// giveAll yields the unreadable lines that were not yielded yet, and then a
// row, unless it was.
func (d *File) giveAll(o sink.Outcome, readable bool) error {
	for d.rows.reported < d.rows.unreadable {
		d.rows.reported++
		if d.stopped = !d.yield(unreadable(), nil); d.stopped {
			return nil
		}
	}
	if readable && d.rows.fresh(&o) {
		d.stopped = !d.yield(o, nil)
	}
	return nil
}

func unreadable() sink.Outcome {
	return sink.Outcome{Err: &sink.RowError{
		Class: retry.Permanent, Code: "unreadable_line", Message: "the line names no row, or cannot be read",
	}}
}

// tally counts the rows of a file over several readings of it. It knows a row
// by a hash of its id, at a few bytes each.
type tally struct {
	seed    maphash.Seed
	ticks   map[uint64]tick // by id: as many as the file has rows
	reading int32

	lines      int  // of this reading that are rows
	unreadable int  // of this reading
	reported   int  // unreadable lines that were yielded, in any reading
	torn       bool // this reading ended within a line
}

// tick is how often a row came.
type tick struct {
	reading  int32
	now, all int32 // in that reading, and in the one that brought most
}

func newTally() *tally { return &tally{seed: maphash.MakeSeed(), ticks: make(map[uint64]tick)} }

// rowName is how a row is known: by its ID, or by its place.
type rowName struct {
	id   string
	line int
}

// restart begins another reading.
func (t *tally) restart() {
	t.reading++
	t.lines, t.unreadable, t.torn = 0, 0, false
}

// fresh reports whether no earlier reading had the row as often as this one has
// it by now.
func (t *tally) fresh(o *sink.Outcome) bool {
	key := maphash.Comparable(t.seed, rowName{o.ID, o.Line})
	k := t.ticks[key]
	if k.reading != t.reading {
		k.reading, k.now = t.reading, 0
	}
	k.now++
	fresh := k.now > k.all
	k.all = max(k.all, k.now)
	t.ticks[key] = k
	return fresh
}
