package archive

import (
	"errors"
	"fmt"
	"slices"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/segment"
)

// Place is where an item of a run is.
type Place string

// The places.
const (
	PlaceWaiting   Place = "waiting"   // in no batch, for the first time or again
	PlaceBatch     Place = "batch"     // in a batch that is not settled
	PlaceSettled   Place = "settled"   // it has its result
	PlaceCancelled Place = "cancelled" // the run was cancelled before it had one
)

// Item is what the files of a run say about one item.
type Item struct {
	Key    string `json:"id"`
	Line   int    `json:"line"` // in the source
	Tenant string `json:"tenant,omitempty"`
	Place  Place  `json:"place"`
	// Batch is the batch that the item is in, was in last, or got its result
	// from. It is nil for an item that was in none.
	Batch *Batch `json:"batch,omitempty"`
	// Sent is how often the item was sent before it came to that batch, or
	// before it waited again.
	Sent int `json:"sent"`
	// Result is its result, nil if it has none.
	Result *Result `json:"-"`
}

// ErrNoItem means that a run has read no item with the key so far.
var ErrNoItem = errors.New("durable: no such item")

// Item finds the item with that key. With Job.EveryRoute, keys end with the
// route. It reads the list of the rows of each batch and the results of one
// batch, or all requests if the item was in no batch. The Query says what reads
// the result; all else in it is ignored. The error is ErrNoItem if the item was
// not read by the time that the Archive was opened.
//
// How many items leave before one that waits is not known from files: see
// durable.Handle.Position.
func (a *Archive) Item(key string, q Query) (Item, error) {
	if _, err := a.begin(Query{}); err != nil {
		return Item{}, err
	}
	last, err := a.lastBatchOf(key)
	if err != nil {
		return Item{}, err
	}
	if last == nil {
		return a.unsent(key)
	}
	item := a.itemOf(&last.entry)
	n := slices.IndexFunc(a.Batches(), func(b Batch) bool { return b.Tag == last.in.Tag })
	item.Batch = &a.Batches()[n]
	settled, free, err := a.fate(last, q)
	switch {
	case err != nil:
		return item, err
	case settled != nil:
		item.Place, item.Result = PlaceSettled, settled
	case a.cancelled:
		item.Place = PlaceCancelled
	case !free && isOpen(last.in):
		item.Place = PlaceBatch
	case last.in.Bought():
		item.Sent++
	}
	return item, nil
}

func (a *Archive) itemOf(e *jobdir.Entry) Item {
	return Item{Key: e.Key, Line: int(e.Line), Tenant: a.TargetOf(int(e.Target)).Tenant, Place: PlaceWaiting, Sent: e.Attempts()}
}

// batchRow is a row of a batch.
type batchRow struct {
	in    intent.Intent
	row   int
	entry jobdir.Entry
}

// lastBatchOf returns where the item was batched last, nil if it was not.
func (a *Archive) lastBatchOf(key string) (last *batchRow, err error) {
	for tag, in := range a.Intents {
		n := 0
		for e, err := range a.Rows(tag) {
			if err != nil {
				return nil, err
			}
			if e.Key == key && (last == nil || e.Seq > last.entry.Seq) {
				last = &batchRow{in, n, e}
			}
			n++
		}
	}
	return last, nil
}

// fate returns the result of a row of a batch, or whether it goes again.
func (a *Archive) fate(of *batchRow, q Query) (settled *Result, free bool, err error) {
	r := &batchReader{archive: a}
	defer r.close()
	for i := range a.Chunks {
		c := &a.Chunks[i]
		if c.Tag != of.in.Tag {
			continue
		}
		if slices.ContainsFunc(c.Again, func(s jobdir.RowSpan) bool { return s[0] <= of.row && of.row <= s[1] }) {
			return nil, true, nil
		}
		_, err := r.chunk(i, c.From, func(s settlement, err error) bool {
			if err == nil && int(s.Row) == of.row {
				result := a.resultOf(&q, &s)
				settled = &result
			}
			return settled == nil
		})
		if err != nil || settled != nil {
			return settled, false, err
		}
	}
	return nil, false, nil
}

// unsent finds an item that was in no batch.
func (a *Archive) unsent(key string) (Item, error) {
	end, err := segment.Extent(a.Root, jobdir.RequestDir)
	if err != nil {
		return Item{}, fmt.Errorf("durable: %w", err)
	}
	ended := false
	for g, err := range a.IngestedGroups(end) {
		if errors.Is(err, segment.ErrDamaged) && !ended {
			break // a process writes it now
		}
		if err != nil {
			return Item{}, err
		}
		ended = g.Source.Ended
		for i := range g.Entries {
			if e := &g.Entries[i]; e.Key == key && int(e.Target) < len(a.Targets) {
				item := a.itemOf(e)
				if a.cancelled {
					item.Place = PlaceCancelled
				}
				return item, nil
			}
		}
	}
	return Item{}, fmt.Errorf("%w: %q", ErrNoItem, key)
}

// resultOf returns the result that has settled an item.
func (a *Archive) resultOf(q *Query, s *settlement) Result {
	r := durable.Result{Cached: s.Cached(), Shared: s.Shared}
	r.SetOrigin(s.entry, a.TargetOf(int(s.entry.Target)))
	route := a.Routes[s.in.Route]
	r.SetAnswer(s.Answer(s.entry, route.Model, s.in.Batch, q.codecOf(route)))
	a.setValue(&r)
	r.Cost = jobdir.CostOf(s.entry, &s.Outcome, r.Usage, s.tiers)
	r.SetRoute(s.entry, s.in.Route, func(n int) jobdir.Route { return a.Routes[n] })
	return Result{r, a.cursor(s.position), int(s.entry.Line)}
}
