package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
)

// page is a part of a list. What is in it is left as it came: one item that
// nobody understands must not hide the others.
type page struct {
	items []json.RawMessage
	more  bool
	last  string // where the next one begins, if the server says so
}

// UnmarshalJSON implements json.Unmarshaler. A list may also be a bare array,
// and its items may be called "value". What is no list is an error: it is not
// empty.
func (p *page) UnmarshalJSON(b []byte) error {
	*p = page{}
	if bytes.HasPrefix(b, []byte("[")) {
		return json.Unmarshal(b, &p.items)
	}
	var list map[string]json.RawMessage
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	items, ok := list["data"]
	if !ok {
		items, ok = list["value"]
	}
	if !ok {
		return errors.New("reply is no list")
	}
	p.more, p.last = truthy(list["has_more"]), asText(list["last_id"])
	return json.Unmarshal(items, &p.items)
}

// truthy reports whether a value says yes, in whatever way. Whoever asks for
// one page too many loses nothing.
func truthy(v json.RawMessage) bool {
	switch string(v) {
	case "", "null", "false", "0", `""`, `"false"`, `"False"`, `"0"`:
		return false
	}
	return true
}

// asText is a value that is a string, or a number as it stands; "" for any
// other.
func asText(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	var n json.Number
	_ = json.Unmarshal(v, &n) // or it stays empty
	return n.String()
}

// next is the cursor after the page: the id of its last item, or else the
// server's.
func (p page) next() string {
	var item struct {
		ID json.RawMessage `json:"id"`
	}
	if len(p.items) > 0 && json.Unmarshal(p.items[len(p.items)-1], &item) == nil && asText(item.ID) != "" {
		return asText(item.ID)
	}
	return p.last
}

// maxPages bounds a list: a million batches.
const maxPages = 10_000

// errStuck is a list that cannot be read to its end, so that what is not in it
// may be there all the same.
var errStuck = retry.Mark(errors.New("the list cannot be read to its end: its pages repeat, or do not say how to go on"), retry.Permanent)

// pages are those of a whole list that have something in them. The query is the
// caller's no more.
func (c *Client) pages(ctx context.Context, path string, query url.Values) iter.Seq2[page, error] {
	return func(yield func(page, error) bool) {
		seen := make(map[string]bool)
		for n := range maxPages {
			var p page
			call := httpclient.Call{Method: http.MethodGet, Path: path + "?" + query.Encode()}
			if err := c.do(ctx, call, &p); err != nil {
				yield(page{}, err)
				return
			}
			if len(p.items) > 0 && !yield(p, nil) || !p.more {
				return
			}
			cursor := p.next()
			switch {
			case n == 0 && len(p.items) == 0 && cursor == "":
				return // there is nothing at all
			case cursor == "" || seen[cursor]:
				yield(page{}, fmt.Errorf("page %d: %w", n+1, errStuck))
				return
			}
			seen[cursor] = true
			query.Set("after", cursor)
		}
		yield(page{}, fmt.Errorf("%d pages: %w", maxPages, errStuck))
	}
}

// minOrdered is how many items in order show that a list has an order.
const minOrdered = 10

// order is what can be said of the times of a list by its beginning.
type order struct {
	n      int
	last   timestamp
	broken bool
}

func (o *order) add(at timestamp) {
	o.broken = o.broken || at <= 0 || o.n > 0 && at > o.last
	o.last = at
	o.n++
}

// reaches reports whether all that comes is older than since. Of a list that is
// not newest first that cannot be said.
func (o *order) reaches(since time.Time) bool {
	return !o.broken && o.n >= minOrdered && o.last.Time().Before(since)
}
