package openai

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"strings"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/loose"
)

// Files implements sink.Provider: it pages through the account's files for
// batches. A server that keeps no list of files shows none.
func (c *Client) Files(ctx context.Context) iter.Seq2[sink.File, error] {
	return func(yield func(sink.File, error) bool) {
		seen := make(map[string]bool)
		for p, err := range c.pages(ctx, "/files", url.Values{"purpose": {"batch"}, "limit": {"1000"}}) {
			if client.Unserved(err) && len(seen) == 0 {
				return
			}
			if err != nil {
				yield(sink.File{}, fmt.Errorf("openai: list files: %w", err))
				return
			}
			for _, item := range p.Items {
				f := parseFile(item)
				if f.ID == "" || seen[f.ID] {
					continue
				}
				if seen[f.ID] = true; !yield(f.listed(), nil) {
					return
				}
			}
		}
	}
}

// parseFile reads an item of a list as far as it can be read: what others have
// left must not hide what is ours.
func parseFile(item json.RawMessage) (f file) {
	var id struct {
		ID json.RawMessage `json:"id"`
	}
	_, _ = json.Unmarshal(item, &f), json.Unmarshal(item, &id)
	f.ID = loose.Text(id.ID)
	return f
}

func (f file) listed() sink.File {
	l := sink.File{File: f.ID, Bytes: f.Bytes, Created: f.CreatedAt.Time}
	if tag, ours := strings.CutSuffix(f.Filename, filename("")); ours {
		l.Tag = tag
	}
	return l
}
