package openai

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"net/url"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/internal/linereader"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
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

// download yields the rows of a result file, each once, over as many calls as
// the retry policy allows. After a broken connection it asks for the rest; a
// file that is read from the start again may be in another order, so that rows
// are known by their ids.
type download struct {
	client *Client
	file   string
	least  int // rows that the file must have
	rows   *tally
	yield  func(sink.Outcome, error) bool

	at      place // after the last line that was read
	doubted bool  // an unreadable line was given another chance
	short   bool  // a file that ends early was given another chance
	stopped bool  // yield wants no more
}

// run yields what can be read of the file. The error says that the rest cannot
// be read now. A file that is short every time is all that the provider has:
// what is missing in it is for the caller to see.
func (d *download) run(ctx context.Context) error {
	err := d.client.cfg.Retry.Do(ctx, d.resume)
	if err != nil {
		return fmt.Errorf("openai: download %s: %w", d.file, err)
	}
	return nil
}

func (d *download) resume(ctx context.Context) error {
	reply, err := d.client.api.Stream(ctx, httpclient.Call{
		Method: http.MethodGet, Path: "/files/" + url.PathEscape(d.file) + "/content", Header: d.at.header(),
		Kind: httpclient.Download,
	})
	if err != nil && status(err) == http.StatusRequestedRangeNotSatisfiable && d.at.known() {
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
	err = d.read(&lineReader{r: linereader.New(reply, 256<<10, maxLine), at: d.at})
	if errors.Is(err, errShort) && d.short {
		return nil
	}
	d.short = d.short || errors.Is(err, errShort)
	return err
}

// read yields the lines of a reply. An error leaves d.at where to go on.
func (d *download) read(lines *lineReader) error {
	for {
		line, whole, err := lines.next()
		switch {
		case errors.Is(err, io.EOF):
			d.at = place{} // the file is not what it should be, or it is over
			return d.end(lines.n)
		case err != nil:
			return fmt.Errorf("line %d: %w", lines.n+1, err)
		}
		read := parseLine
		if lines.tooLong {
			read = parseHead
		}
		o, err := read(line)
		if err := d.take(lines.n, o, err, whole); err != nil || d.stopped {
			return err
		}
		d.at = lines.at
	}
}

// end judges a file that was read to its end.
func (d *download) end(lines int) error {
	switch {
	case d.rows.lines == 0 && lines > 0:
		return retry.Mark(fmt.Errorf("%w: %d lines", errNoResults, lines), retry.Retryable)
	case d.rows.torn:
		return retry.Mark(fmt.Errorf("%w: within line %d", errShort, lines), retry.Retryable)
	case len(d.rows.ticks) < d.least:
		return retry.Mark(fmt.Errorf("%w: after %d of %d rows", errShort, len(d.rows.ticks), d.least), retry.Retryable)
	}
	return nil
}

// take yields line n, as it was read. What cannot be read is given another
// chance: the line may be torn, and if it is not, others may be no better. It
// is never what the file begins with, or ends with without being whole.
func (d *download) take(n int, o sink.Outcome, err error, whole bool) error {
	readable := err == nil && o.ID != ""
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

// giveAll yields the unreadable lines that were not yielded yet, and then a
// row, unless it was.
func (d *download) giveAll(o sink.Outcome, readable bool) error {
	for d.rows.reported < d.rows.unreadable {
		d.rows.reported++
		if d.stopped = !d.yield(unreadable(), nil); d.stopped {
			return nil
		}
	}
	if readable && d.rows.fresh(o.ID) {
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

// restart begins another reading.
func (t *tally) restart() {
	t.reading++
	t.lines, t.unreadable, t.torn = 0, 0, false
}

// fresh reports whether no earlier reading had the row as often as this one has
// it by now.
func (t *tally) fresh(id string) bool {
	key := maphash.String(t.seed, id)
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
