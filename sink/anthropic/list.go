package anthropic

import (
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
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/listing"
	"github.com/balerhq/baler/sink/internal/loose"
)

// Find implements sink.Provider. It is errors.ErrUnsupported: Anthropic keeps
// no tag with a batch.
func (c *Client) Find(context.Context, string, time.Time) ([]string, error) {
	return nil, fmt.Errorf("anthropic: find: %w", errors.ErrUnsupported)
}

// Files implements sink.Provider. It yields errors.ErrUnsupported: nothing is
// uploaded.
func (c *Client) Files(context.Context) iter.Seq2[sink.File, error] {
	return func(yield func(sink.File, error) bool) {
		yield(sink.File{}, fmt.Errorf("anthropic: list files: %w", errors.ErrUnsupported))
	}
}

// List implements sink.Provider: it pages through the batches of the workspace,
// newest first, back to since at least. Each batch comes once, though one that
// is created meanwhile moves the others.
func (c *Client) List(ctx context.Context, since time.Time) iter.Seq2[sink.Listing, error] {
	return func(yield func(sink.Listing, error) bool) {
		var order listing.Order
		shown := make(map[string]bool)
		for p, err := range listing.Pages(ctx, c.page) {
			if err != nil {
				yield(sink.Listing{}, fmt.Errorf("anthropic: list batches: %w", err))
				return
			}
			for _, item := range p.Items {
				var b batch
				_ = json.Unmarshal(item, &b) // what cannot be read is no batch of ours
				order.Add(b.CreatedAt.Time)
				if b.ID == "" || shown[b.ID] {
					continue
				}
				if shown[b.ID] = true; !yield(c.listing(&b), nil) {
					return
				}
			}
			if order.Reaches(since) {
				return
			}
		}
	}
}

func (c *Client) listing(b *batch) sink.Listing {
	return sink.Listing{
		Batch: b.ID, Created: b.CreatedAt.Time, Age: c.client.Age(b.CreatedAt.Time), Rows: b.Counts.total(), Ended: b.ended(),
	}
}

// page reads the page of the list after a batch.
func (c *Client) page(ctx context.Context, after string) (listing.Page, error) {
	query := url.Values{"limit": {"1000"}}
	if after != "" {
		query.Set("after_id", after)
	}
	var p page
	err := c.client.Do(ctx, httpclient.Call{Method: http.MethodGet, Path: batchesPath + "?" + query.Encode()}, &p)
	if after != "" && (refused(err) || client.NotFound(err)) { // somebody has deleted that batch
		err = retry.Mark(fmt.Errorf("the list cannot be read on from batch %s: %w", loose.Words(after), err), retry.Retryable)
	}
	return p.Page, err
}

// page is a part of the list, as Anthropic writes it.
type page struct{ listing.Page }

// UnmarshalJSON implements json.Unmarshaler. What is no list is an error: it is
// not empty.
func (p *page) UnmarshalJSON(b []byte) error {
	var list struct {
		Data   *[]json.RawMessage `json:"data"`
		More   json.RawMessage    `json:"has_more"`
		LastID json.RawMessage    `json:"last_id"`
	}
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	if list.Data == nil {
		return errors.New("reply is no list")
	}
	p.Page = listing.Page{Items: *list.Data, More: loose.Truth(list.More), Next: loose.Text(list.LastID)}
	return nil
}
