package openai

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// Find implements sink.Provider: it looks through the list for the tag.
func (c *Client) Find(ctx context.Context, tag string, since time.Time) (found []string, err error) {
	for b, err := range c.List(ctx, since) {
		if err != nil {
			return nil, err
		}
		if b.Tag == tag {
			found = append(found, b.Batch)
		}
	}
	return found, nil
}

// List implements sink.Lister: it pages through the list, newest first, back to
// since.
func (c *Client) List(ctx context.Context, since time.Time) iter.Seq2[sink.Listing, error] {
	return func(yield func(sink.Listing, error) bool) {
		for p, err := range c.pages(ctx) {
			if err != nil {
				yield(sink.Listing{}, fmt.Errorf("openai: list batches: %w", err))
				return
			}
			for _, b := range p.Data {
				if !yield(b.listing(), nil) {
					return
				}
			}
			if p.reaches(since) {
				return
			}
		}
	}
}

func (b batch) listing() sink.Listing {
	l := sink.Listing{Batch: b.ID, Tag: b.Metadata.Tag, Rows: b.Counts.Total, Ended: b.ended(), File: b.InputFile}
	if b.CreatedAt > 0 {
		l.Created = b.CreatedAt.Time()
	}
	return l
}

// page is a part of the list of batches.
type page struct {
	Data    []batch `json:"data"`
	HasMore bool    `json:"has_more"`
}

// errStuck is a list that cannot be paged through.
var errStuck = retry.Mark(errors.New("the list does not go on after its first page"), retry.Permanent)

// pages are those of the whole list that have something in them.
func (c *Client) pages(ctx context.Context) iter.Seq2[page, error] {
	return func(yield func(page, error) bool) {
		query := url.Values{"limit": {"100"}}
		for {
			var p page
			call := httpclient.Call{Method: http.MethodGet, Path: "/batches?" + query.Encode()}
			if err := c.do(ctx, call, &p); err != nil {
				yield(page{}, err)
				return
			}
			if len(p.Data) == 0 || !yield(p, nil) || !p.HasMore {
				return
			}
			last := p.Data[len(p.Data)-1].ID
			if last == query.Get("after") {
				yield(page{}, errStuck)
				return
			}
			query.Set("after", last)
		}
	}
}

// reaches reports whether all further pages are older than since. Of a list
// that is not newest first that cannot be said.
func (p page) reaches(since time.Time) bool {
	first, last := p.Data[0].CreatedAt, p.Data[len(p.Data)-1].CreatedAt
	return 0 < last && last <= first && last.Time().Before(since)
}
