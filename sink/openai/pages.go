package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/sink/internal/listing"
	"github.com/balerhq/baler/sink/internal/loose"
)

// page is a part of a list, as servers write it.
type page struct{ listing.Page }

// UnmarshalJSON implements json.Unmarshaler. A list may also be a bare array,
// and its items may be called "value". What is no list is an error: it is not
// empty.
func (p *page) UnmarshalJSON(b []byte) error {
	*p = page{}
	if bytes.HasPrefix(b, []byte("[")) {
		return json.Unmarshal(b, &p.Items)
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
	if err := json.Unmarshal(items, &p.Items); err != nil {
		return err
	}
	// Whoever asks for one page too many loses nothing.
	p.More, p.Next = loose.Truth(list["has_more"]), p.cursor(loose.Text(list["last_id"]))
	return nil
}

// cursor is the ID of the last item, or else the server's.
func (p *page) cursor(last string) string {
	var item struct {
		ID json.RawMessage `json:"id"`
	}
	if len(p.Items) > 0 && json.Unmarshal(p.Items[len(p.Items)-1], &item) == nil && loose.Text(item.ID) != "" {
		return loose.Text(item.ID)
	}
	return last
}

// pages are those of a whole list. The query is the caller's no more.
func (c *Client) pages(ctx context.Context, path string, query url.Values) iter.Seq2[listing.Page, error] {
	return listing.Pages(ctx, func(ctx context.Context, cursor string) (listing.Page, error) {
		if cursor != "" {
			query.Set("after", cursor)
		}
		var p page
		err := c.client.Do(ctx, httpclient.Call{Method: http.MethodGet, Path: path + "?" + query.Encode()}, &p)
		return p.Page, err
	})
}
