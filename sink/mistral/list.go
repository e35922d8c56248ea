package mistral

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/listing"
	"github.com/balerhq/baler/sink/internal/loose"
)

// pageSize is how many items of a list are asked for at a time.
const pageSize = 100

// errMoved is a list that grew shorter while it was read, or whose pages do not
// add up: what is not in it may be there all the same.
var errMoved = retry.Mark(errors.New("the list changed while it was read"), retry.Retryable)

// page is a part of a list, as Mistral writes it.
type page struct {
	items []json.RawMessage
	total int // of the whole list; -1 if it does not say
}

// UnmarshalJSON implements json.Unmarshaler. What is no list is an error: it is
// not empty.
func (p *page) UnmarshalJSON(b []byte) error {
	var list struct {
		Data  *[]json.RawMessage `json:"data"`
		Total *loose.Number      `json:"total"`
	}
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	if list.Data == nil {
		return errors.New("reply is no list")
	}
	*p = page{items: *list.Data, total: -1}
	if list.Total != nil {
		p.total = count(*list.Total)
	}
	return nil
}

// pages are those of a whole list. They are counted, and shift if items come or
// go in between: those that come move others to a later page, where they are
// seen twice. Those that go might hide others, and end the list with errMoved.
func (c *Client) pages(ctx context.Context, path string, query url.Values) iter.Seq2[listing.Page, error] {
	seen, total := 0, 0
	return listing.Pages(ctx, func(ctx context.Context, cursor string) (listing.Page, error) {
		number, _ := strconv.Atoi(cursor) // the first has none
		query := maps.Clone(query)
		query.Set("page", strconv.Itoa(number))
		query.Set("page_size", strconv.Itoa(pageSize))
		var p page
		if err := c.client.Do(ctx, httpclient.Call{Method: http.MethodGet, Path: path + "?" + query.Encode()}, &p); err != nil {
			return listing.Page{}, err
		}
		seen += len(p.items)
		if p.total >= 0 && p.total < total || len(p.items) == 0 && seen < p.total {
			return listing.Page{}, errMoved
		}
		total = max(total, p.total)
		return listing.Page{
			Items: p.items, More: len(p.items) >= pageSize || seen < p.total, Next: strconv.Itoa(number + 1),
		}, nil
	})
}

// attempts is how often a list is read that changes meanwhile.
const attempts = 3

// Find implements sink.Provider. It asks for the jobs of the tag alone, and if
// there are none, it looks through all of them: a server that reads the filter
// in another way shows none, too.
func (c *Client) Find(ctx context.Context, tag string, since time.Time) ([]string, error) {
	filter, err := json.Marshal(client.Metadata{Tag: tag})
	if err != nil {
		return nil, fmt.Errorf("mistral: list batches: %w", err)
	}
	for _, query := range []url.Values{{"metadata": {string(filter)}}, {}} {
		found, whole, err := c.find(ctx, tag, since, query)
		switch {
		case err == nil && (len(found) > 0 || whole):
			return found, nil
		case err != nil && (len(query) == 0 || !refusedFilter(err)):
			return nil, fmt.Errorf("mistral: list batches: %w", err)
		}
	}
	return nil, nil
}

func refusedFilter(err error) bool {
	switch client.Status(err) {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// find looks for the tag among the jobs of a query. The list is whole if it
// shows others, too.
func (c *Client) find(ctx context.Context, tag string, since time.Time, query url.Values) (found []string, whole bool, err error) {
	for range attempts {
		found, whole, err = nil, false, nil
		for l, failed := range c.list(ctx, since, query) {
			if err = failed; err == nil && l.Tag == tag {
				found = append(found, l.Batch)
			}
			whole = whole || l.Tag != tag
		}
		if !errors.Is(err, errMoved) {
			break
		}
	}
	return found, whole, err
}

// List implements sink.Provider: it pages through the list, newest first, back
// to since.
func (c *Client) List(ctx context.Context, since time.Time) iter.Seq2[sink.Listing, error] {
	return func(yield func(sink.Listing, error) bool) {
		for l, err := range c.list(ctx, since, url.Values{}) {
			if err != nil {
				err = fmt.Errorf("mistral: list batches: %w", err)
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// errNameless is a job of ours that the list shows without an id.
var errNameless = retry.Mark(errors.New("the list shows a batch of ours without an id that can be read"), retry.Permanent)

// list yields each job once, back to since at least. What others have written
// of theirs is no reason not to find ours, so it is read as far as it can be.
func (c *Client) list(ctx context.Context, since time.Time, query url.Values) iter.Seq2[sink.Listing, error] {
	query = maps.Clone(query)
	query.Set("order_by", "-created")
	return func(yield func(sink.Listing, error) bool) {
		var order listing.Order
		seen := make(map[string]bool)
		for p, err := range c.pages(ctx, jobsPath, query) {
			if err != nil {
				yield(sink.Listing{}, err)
				return
			}
			for _, item := range p.Items {
				j := parseJob(item)
				order.Add(j.CreatedAt.Time)
				if j.ID == "" && j.Metadata.Tag != "" {
					yield(sink.Listing{}, errNameless)
					return
				}
				if j.ID == "" || seen[j.ID] {
					continue
				}
				if seen[j.ID] = true; !yield(c.listing(&j), nil) {
					return
				}
			}
			if order.Reaches(since) {
				return
			}
		}
	}
}

func (c *Client) listing(j *job) sink.Listing {
	return sink.Listing{
		Batch: j.ID, Tag: j.Metadata.Tag, Rows: j.total(), Ended: j.ended(), File: first(j.InputFiles),
		Created: j.CreatedAt.Time, Age: c.client.Age(j.CreatedAt.Time),
	}
}

func first(files []string) string {
	if i := slices.IndexFunc(files, func(id string) bool { return id != "" }); i >= 0 {
		return files[i]
	}
	return ""
}
