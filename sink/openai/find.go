package openai

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
)

// page is a part of the list of batches.
type page struct {
	Data    []batch `json:"data"`
	HasMore bool    `json:"has_more"`
}

// Find implements sink.Provider: it pages through the list, newest first, back
// to since.
func (c *Client) Find(ctx context.Context, tag string, since time.Time) (found []string, err error) {
	query := url.Values{"limit": {"100"}}
	for {
		var p page
		call := httpclient.Call{Method: http.MethodGet, Path: "/batches?" + query.Encode()}
		if err := c.do(ctx, call, &p); err != nil {
			return nil, fmt.Errorf("openai: find batch: %w", err)
		}
		for _, b := range p.Data {
			if b.Metadata.Tag == tag {
				found = append(found, b.ID)
			}
		}
		if !p.HasMore || len(p.Data) == 0 || p.reaches(since) {
			return found, nil
		}
		last := p.Data[len(p.Data)-1].ID
		if last == query.Get("after") {
			err := retry.Mark(errors.New("the list does not go on after its first page"), retry.Permanent)
			return found, fmt.Errorf("openai: find batch: %w", err)
		}
		query.Set("after", last)
	}
}

// reaches reports whether all further pages are older than since. Of a list
// that is not newest first that cannot be said.
func (p page) reaches(since time.Time) bool {
	first, last := p.Data[0].CreatedAt, p.Data[len(p.Data)-1].CreatedAt
	return 0 < last && last <= first && last.Time().Before(since)
}
