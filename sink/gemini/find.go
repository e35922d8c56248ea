package gemini

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/listing"
)

// Find implements sink.Provider: it looks through the list for batches with the
// tag as their display name.
func (c *Client) Find(ctx context.Context, tag string, since time.Time) (found []string, err error) {
	for l, err := range c.list(ctx, since) {
		switch {
		case err != nil:
			return nil, err
		case l.Tag == tag && l.Batch == "":
			return nil, fmt.Errorf("gemini: list batches: %w", errNameless)
		case l.Tag == tag && !slices.Contains(found, l.Batch):
			found = append(found, l.Batch)
		}
	}
	return found, nil
}

// errNameless is a batch of ours that the list shows without a name.
var errNameless = retry.Mark(errors.New("the list shows a batch of ours without a name that can be read"), retry.Permanent)

// List implements sink.Provider: it pages through the list of batches.
func (c *Client) List(ctx context.Context, since time.Time) iter.Seq2[sink.Listing, error] {
	return func(yield func(sink.Listing, error) bool) {
		seen := make(map[string]bool)
		for l, err := range c.list(ctx, since) {
			if err == nil && (l.Batch == "" || seen[l.Batch]) {
				continue
			}
			if seen[l.Batch] = true; !yield(l, err) {
				return
			}
		}
	}
}

// list yields the batches back to since at least, if they come newest first,
// and all of them otherwise.
func (c *Client) list(ctx context.Context, since time.Time) iter.Seq2[sink.Listing, error] {
	return func(yield func(sink.Listing, error) bool) {
		var seen listing.Order
		for p, err := range listing.Pages(ctx, c.batches) {
			if err != nil {
				yield(sink.Listing{}, fmt.Errorf("gemini: list batches: %w", err))
				return
			}
			for _, item := range p.Items {
				o := parseOperation(jsontext.Value(item))
				seen.Add(o.created.Time)
				if !yield(c.listed(&o), nil) {
					return
				}
			}
			if seen.Reaches(since) {
				return
			}
		}
	}
}

func (c *Client) listed(o *operation) sink.Listing {
	return sink.Listing{
		Batch: o.name, Tag: o.displayName, Rows: o.counts.total, Ended: o.hasEnded(), File: o.inputFile,
		Created: o.created.Time, Age: c.client.Age(o.created.Time),
	}
}

func (c *Client) batches(ctx context.Context, cursor string) (p listing.Page, err error) {
	query := url.Values{"pageSize": {pageSize}}
	if cursor != "" {
		query.Set("pageToken", cursor)
	}
	err = c.client.Repeat(ctx, func(ctx context.Context) (err error) {
		p, err = c.batchesOnce(ctx, "?"+query.Encode())
		return err
	})
	return p, err
}

// batchesOnce asks for a page of batches. They come with all their results,
// which are passed over.
func (c *Client) batchesOnce(ctx context.Context, query string) (listing.Page, error) {
	reply, err := c.client.Stream(ctx, httpclient.Call{Method: http.MethodGet, Path: version + "batches" + query})
	if err != nil {
		return listing.Page{}, err
	}
	defer reply.Close()
	v, err := extract(reply, visitor{})
	if err != nil {
		return listing.Page{}, err
	}
	return parsePage(v, "operations", "batches")
}
