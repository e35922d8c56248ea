// Package listing reads lists that come in pages.
package listing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/balerhq/baler/retry"
)

// Page is a part of a list. What is in it is left as it came: one item that
// nobody understands must not hide the others.
type Page struct {
	Items []json.RawMessage
	More  bool   // there is another one
	Next  string // the cursor to ask for it with
}

// most bounds a list: a million batches.
const most = 10_000

// errStuck is a list that cannot be read to its end, so that what is not in it
// may be there all the same.
var errStuck = retry.Mark(errors.New("the list cannot be read to its end: its pages repeat, or do not say how to go on"), retry.Permanent)

// Pages yields the pages of a list that have something in them. get asks for
// the page at a cursor, which is "" for the first.
func Pages(ctx context.Context, get func(ctx context.Context, cursor string) (Page, error)) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		seen := make(map[string]bool)
		cursor := ""
		for n := range most {
			p, err := get(ctx, cursor)
			if err != nil {
				yield(Page{}, err)
				return
			}
			if len(p.Items) > 0 && !yield(p, nil) || !p.More {
				return
			}
			switch cursor = p.Next; {
			case n == 0 && len(p.Items) == 0 && cursor == "":
				return // there is nothing at all
			case cursor == "" || seen[cursor]:
				yield(Page{}, fmt.Errorf("page %d: %w", n+1, errStuck))
				return
			}
			seen[cursor] = true
		}
		yield(Page{}, fmt.Errorf("%d pages: %w", most, errStuck))
	}
}

// minOrdered is how many items in order show that a list has an order.
const minOrdered = 10

// Order is what can be said of the times of a list by its beginning.
type Order struct {
	n      int
	last   time.Time
	broken bool
}

// Add notes the time of the next item, zero if it is not known.
func (o *Order) Add(at time.Time) {
	o.broken = o.broken || at.IsZero() || o.n > 0 && at.After(o.last)
	o.last = at
	o.n++
}

// Reaches reports whether all that comes is older than since. Of a list that is
// not newest first that cannot be said.
func (o *Order) Reaches(since time.Time) bool {
	return !o.broken && o.n >= minOrdered && o.last.Before(since)
}
