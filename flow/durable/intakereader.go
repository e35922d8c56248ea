package durable

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/sink/llm/document"
)

// row is an item as the engine sees it.
type row struct {
	key             string
	request         request
	level           uint8
	deadline, since uint32
	meta            json.RawMessage
	name            string // of the input
	line            int
	source          string // the name, if the job keeps it
	item            any    // itself, if it may yet be rejected
	itemKey         string // of Job.Key, with EveryRoute
	only            bool   // its item takes no other route, with EveryRoute
}

// group is the rows that are ingested in one commit.
type group struct {
	rows       []row
	more       int // of these, beyond the first of each item
	filtered   int // items that Job.Where left out
	rejected   []leftOut
	checkpoint string // after the last row
	size       int    // of the requests
	records    []byte // of which those of rows are parts, see requests.records
}

// emptied returns an empty group with the memory of g.
func (g *group) emptied() group {
	clear(g.rows)
	if cap(g.records) > maxRecords {
		g.records = nil
	}
	return group{rows: g.rows[:0], records: g.records[:0]}
}

// leftOut is an item of a group that cannot be used.
type leftOut struct {
	jobdir.Reject
	place int // orders it among the items of the group, see beforeRow
}

// beforeRow returns the place of what comes before a row of a group, by the number
// of rows before that. The row itself has the next place.
func beforeRow(rows int) int { return 2 * rows }

// These limit a group, which is in memory as a whole.
const (
	groupRows  = 2048
	groupBytes = 4 << 20 // of requests

	maxRecords = 2 * groupBytes // of memory that serves again
)

// groupEvery is the shortest time between two groups of a fast source that are not
// full. Each costs four syncs. A source is fast if its last group had fastRows or
// more. A group of a slow one is not held back, since its next item may come in
// hours.
const (
	groupEvery = 20 * time.Millisecond
	fastRows   = 64
)

// rows is a source, whatever the type of its items.
type rows interface {
	resume(checkpoint string, first *jobdir.FirstItem) error
	// addTo does the same for a job that has ended, and is to go on.
	addTo(checkpoint string, first *jobdir.FirstItem) error
	// read sends a group, without waiting, for each empty one it takes from want.
	// Once taking ends, it takes no more items, and sends those that it has.
	read(ctx, taking context.Context, want <-chan group, out chan<- group) error
	// kept is called once so many items more are durable.
	kept(items int) error
}

// reader turns the items of a job into rows.
type reader[T any] struct {
	job      *Job[T]
	requests requests
}

func (r *reader[T]) resume(checkpoint string, first *jobdir.FirstItem) error {
	if checkpoint == "" {
		return nil
	}
	if err := r.mustAskTheSame(first); err != nil {
		return err
	}
	if err := r.job.Source.Resume(checkpoint); err != nil {
		return fmt.Errorf("durable: resume: %w", err)
	}
	return nil
}

// read sends the items in groups. A group holds the items that have come when
// the next group is wanted, so that the items of a slow source do not linger,
// and those of a fast one share its syncs. But nothing is sent while a source
// waits for its next item, unless it is a Feed: the last items of a burst may
// then wait for the next one.
func (r *reader[T]) read(ctx, taking context.Context, want <-chan group, out chan<- group) error {
	if taking.Err() != nil && ctx.Err() == nil {
		return nil
	}
	if feed, ok := r.job.Source.(Feed[T]); ok {
		return r.readFeed(ctx, taking, feed, want, out)
	}
	r.requests.records = new([]byte)
	defer func() { r.requests.records = nil }()
	var g group
	var next time.Time // when a group that is not full may be sent
	for item, err := range r.job.Source.Items() {
		f := r.examine(item, err)
		if f.err != nil {
			return f.err
		}
		g.add(f)
		if g.full() || !time.Now().Before(next) {
			empty, wanted, err := isWanted(ctx, want, g.full())
			if err != nil {
				return err
			}
			if wanted {
				g.checkpoint, g.records = r.job.Source.Checkpoint(), *r.requests.records
				if next = (time.Time{}); g.full() || g.items() >= fastRows {
					next = time.Now().Add(groupEvery)
				}
				out <- g
				g, *r.requests.records = empty, empty.records
			}
		}
		if taking.Err() != nil {
			break
		}
	}
	if g.items() == 0 {
		return nil
	}
	if _, _, err := isWanted(ctx, want, true); err != nil {
		return err
	}
	g.checkpoint = r.job.Source.Checkpoint()
	out <- g
	return nil
}

// isWanted reports whether a group is wanted now, and returns an empty one to go
// on with. With wait, it waits until one is.
func isWanted(ctx context.Context, want <-chan group, wait bool) (empty group, wanted bool, err error) {
	if ctx.Err() != nil {
		return group{}, false, context.Cause(ctx)
	}
	if !wait {
		select {
		case empty = <-want:
			return empty, true, nil
		default:
			return group{}, false, nil
		}
	}
	select {
	case empty = <-want:
		return empty, true, nil
	case <-ctx.Done():
		return group{}, false, context.Cause(ctx)
	}
}

func (r *reader[T]) row(item T) (row, error) {
	name, line := r.job.Source.Position()
	out, err := r.make(item)
	if err == nil && r.job.Lineage && len(name) > maxSource {
		err = fmt.Errorf("the name of the input has %d bytes: at most %d", len(name), maxSource)
	}
	if err != nil {
		return row{}, &InputError{Source: name, Line: line, Err: err}
	}
	out.name, out.line = name, line
	if r.job.Lineage {
		out.source = name
	}
	return out, nil
}

// maxSource limits the name of an input that is kept with an item, in bytes.
const maxSource = 4 << 10

// maxMeta limits the size of an item's meta, in bytes of JSON. It is in memory
// as long as the item is in an open batch.
const maxMeta = 4 << 10

func (r *reader[T]) make(item T) (row, error) {
	out, err := r.identity(item)
	if err != nil {
		return out, err
	}
	out.level = jobdir.LevelOf(queue.PriorityNormal)
	if r.job.Priority != nil {
		out.level = jobdir.LevelOf(r.job.Priority(item))
	}
	r.place(item, &out)
	if r.job.Meta == nil {
		return out, nil
	}
	if out.meta, err = json.Marshal(r.job.Meta(item)); err != nil {
		return out, fmt.Errorf("the item's meta: %w", err)
	}
	if len(out.meta) > maxMeta {
		return out, fmt.Errorf("the item's meta has %d bytes of JSON: at most %d", len(out.meta), maxMeta)
	}
	return out, nil
}

// identity returns the key of an item and what is asked about it.
func (r *reader[T]) identity(item T) (out row, err error) {
	out.key = r.job.Key(item)
	if out.key == "" || len(out.key) > maxKey {
		return out, fmt.Errorf("the item's key has %d bytes: must be 1 to %d", len(out.key), maxKey)
	}
	out.request, err = r.request(item)
	if r.job.RouteKey != nil && err == nil {
		if out.request.target.RouteKey = r.job.RouteKey(item); len(out.request.target.RouteKey) > maxKey {
			err = fmt.Errorf("the item's route key has %d bytes: must be at most %d", len(out.request.target.RouteKey), maxKey)
		}
	}
	if r.job.Tenant != nil && err == nil {
		if out.request.target.Tenant = r.job.Tenant(item); len(out.request.target.Tenant) > maxKey {
			err = fmt.Errorf("the name of the item's tenant has %d bytes: must be at most %d", len(out.request.target.Tenant), maxKey)
		}
	}
	if err == nil {
		err = r.setFirst(&out)
	}
	return out, err
}

// request returns what is asked about an item.
func (r *reader[T]) request(item T) (request, error) {
	if r.job.Request != nil {
		q, err := r.job.Request(item)
		if err != nil {
			return request{}, err
		}
		return r.requests.raw(&q)
	}
	chat, err := r.job.Prompt(item)
	if err != nil {
		return request{}, err
	}
	q, err := r.requests.ask(&chat)
	if err == nil {
		r.tellFiles(item, q.attached.infos)
	}
	return q, err
}

// tellFiles tells the job of the files of an item, or else the log what may
// surprise.
func (r *reader[T]) tellFiles(item T, files []document.Info) {
	for _, f := range files {
		if r.job.Attached != nil {
			r.job.Attached(item, f)
		} else if warning := f.Warning(); warning != "" {
			name, line := r.job.Source.Position()
			r.requests.log.Warn("a file of an item", "source", name, "line", line, "warning", warning)
		}
	}
}
