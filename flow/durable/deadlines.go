package durable

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
)

// errDue is why a batch that waits to be bought waits no longer: its rows are
// near their deadline.
var errDue = errors.New("durable: rows are near their deadline")

// shownRows is how many rows a notice names.
const shownRows = 5

// deadlines knows when the rows of open batches are due, in a job with a route
// for rows near their deadline.
type deadlines struct {
	own []*ownRoute

	mu    sync.Mutex
	byTag map[string]*dueBatch
}

// dueBatch is what is known of a batch.
type dueBatch struct {
	batch string      // its name at the provider
	rows  int         // all of its rows
	leave []time.Time // by route of the job: when the first row leaves for it; zero: none does
	at    []uint32    // deadlines of its rows, the earliest first
	first []string    // keys of the earliest
	told  int         // how many have passed, as was said
}

func newDeadlines(own []*ownRoute) *deadlines {
	return &deadlines{own: own, byTag: make(map[string]*dueBatch)}
}

// noteDeadlines notes when the rows of a batch are due.
func (b *batches) noteDeadlines(in intent.Intent, entries []jobdir.Entry) {
	if b.escalation == 0 {
		return
	}
	d := &dueBatch{rows: len(entries), leave: make([]time.Time, len(b.own))}
	byDeadline := make([]*jobdir.Entry, 0, len(entries))
	for i := range entries {
		if entries[i].Deadline != 0 {
			byDeadline = append(byDeadline, &entries[i])
		}
	}
	slices.SortStableFunc(byDeadline, func(x, y *jobdir.Entry) int { return int(int64(x.Deadline) - int64(y.Deadline)) })
	for i, e := range byDeadline {
		d.at = append(d.at, e.Deadline)
		if i < shownRows {
			d.first = append(d.first, e.Key)
		}
		if b.routes.isEscalation(in.Route) {
			continue
		}
		for _, n := range b.routes.forDeadline(e) {
			if d.leave[n].IsZero() {
				d.leave[n] = jobdir.TimeOf(e.Deadline).Add(-b.own[n].within)
			}
		}
	}
	if len(d.at) > 0 {
		b.deadlines.mu.Lock()
		defer b.deadlines.mu.Unlock()
		b.deadlines.byTag[in.Tag] = d
	}
}

// moved notes that a batch has taken a step. Once its results are on disk, no
// row of it leaves.
func (d *deadlines) moved(in intent.Intent) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.byTag[in.Tag]
	switch {
	case b != nil && in.State != intent.Fetched && in.State != intent.Rejected && !in.Done():
		b.batch = in.Batch
	default:
		delete(d.byTag, in.Tag)
	}
}

func (d *deadlines) has(tag string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.byTag[tag] != nil
}

// next returns when the first row of a batch leaves it, if one may.
func (d *deadlines) next(tag string) (at time.Time, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.byTag[tag]
	if b == nil {
		return at, false
	}
	for _, leave := range b.leave {
		if !leave.IsZero() && (!ok || leave.Before(at)) {
			at, ok = leave, true
		}
	}
	return at, ok
}

// route returns the route for which a row of a batch should leave it now, -1 if
// there is none.
func (d *deadlines) route(tag string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.byTag[tag]
	if b == nil {
		return -1
	}
	now := time.Now()
	for n, leave := range b.leave {
		if !leave.IsZero() && !now.Before(leave) && !d.own[n].out() {
			return n
		}
	}
	return -1
}

// mayEscalate reports whether a route for rows near their deadline is not out.
func (l *routes) mayEscalate() bool {
	return slices.ContainsFunc(l.own, func(r *ownRoute) bool { return r.within > 0 && !r.out() })
}

// escalated reports whether rows of a batch should leave it now.
func (b *batches) escalated(in intent.Intent) bool { return b.deadlines.route(in.Tag) >= 0 }

// cancelDue cancels a batch with rows that should leave it now. What it has
// answered by its end counts, and only rows that never ran go elsewhere.
func (w *watcher) cancelDue(ctx context.Context, in intent.Intent, v *pollState) (intent.Intent, error) {
	n := w.batches.deadlines.route(in.Tag)
	if n < 0 || in.Unproven || !v.cancelled.IsZero() {
		return in, nil
	}
	if !in.Short {
		w.notices.raise(ctx, Notice{
			Kind: NoticeDeadline, Tag: in.Tag, Batch: in.Batch,
			Text: fmt.Sprintf("rows of it have less than %s left until their deadline: cancelling it, so that those that did not run take the route %q",
				w.own[n].within, w.own[n].name),
			Advice: "what it has answered by then counts; its other rows are submitted again",
		})
	}
	in, err := w.batches.advance(ctx, in, intent.CutShort{})
	if err != nil {
		return in, err
	}
	return in, w.cancelOpen(ctx, in, v)
}

// lateRows are rows of an open batch that have passed their deadline.
type lateRows struct {
	tag, batch string
	late, rows int
	keys       []string // of some
}

// late returns the batches of which more rows have passed their deadline than
// before.
func (d *deadlines) late(now time.Time) (all []lateRows) {
	d.mu.Lock()
	defer d.mu.Unlock()
	seconds := jobdir.SecondsOf(now)
	for tag, b := range d.byTag {
		n, _ := slices.BinarySearch(b.at, seconds)
		if n > b.told {
			b.told = n
			all = append(all, lateRows{tag, b.batch, n, b.rows, b.first[:min(n, len(b.first))]})
		}
	}
	return all
}

// noticeLate names the rows that have passed their deadline in an open batch.
func (ctl *controller) noticeLate(ctx context.Context) {
	for _, b := range ctl.batches.deadlines.late(time.Now()) {
		keys := make([]string, len(b.keys))
		for i, key := range b.keys {
			keys[i] = fmt.Sprintf("%q", truncate(key, maxCode))
		}
		if more := b.late - len(keys); more > 0 {
			keys = append(keys, fmt.Sprintf("and %d more", more))
		}
		ctl.notices.raise(ctx, Notice{
			Kind: NoticeLate, Tag: b.tag, Batch: b.batch,
			Text:   fmt.Sprintf("%d of its %d rows have passed their deadline without an answer: %s", b.late, b.rows, strings.Join(keys, ", ")),
			Advice: "they are answered as soon as it has ended; a larger margin leaves more time for that (Route.Within, the option within of --route)",
		})
		if !ctl.batches.deadlines.has(b.tag) { // it has ended meanwhile
			ctl.notices.clear(NoticeLate, b.tag)
		}
	}
}
