package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// Files implements sink.Provider: it pages through the account's files for
// batches. A server that keeps no list of files shows none.
func (c *Client) Files(ctx context.Context) iter.Seq2[sink.File, error] {
	return func(yield func(sink.File, error) bool) {
		seen := make(map[string]bool)
		for p, err := range c.pages(ctx, "/files", url.Values{"purpose": {"batch"}, "limit": {"1000"}}) {
			if unserved(err) && len(seen) == 0 {
				return
			}
			if err != nil {
				yield(sink.File{}, fmt.Errorf("openai: list files: %w", err))
				return
			}
			for _, item := range p.items {
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
	f.ID = asText(id.ID)
	return f
}

// storageFull reports whether an upload was refused because of what the account
// stores already. OpenAI says so in words alone, under status 400 and without a
// code.
func storageFull(err error) bool {
	said, ok := errors.AsType[*retry.Error](err)
	if !ok {
		return false
	}
	switch said.Status {
	case http.StatusInsufficientStorage:
		return true
	case http.StatusBadRequest, http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusTooManyRequests:
		words := strings.ToLower(said.Code + " " + said.Message)
		return strings.Contains(words, "storage") &&
			(strings.Contains(words, "quota") || strings.Contains(words, "limit") || strings.Contains(words, "exceed"))
	}
	return false
}

func (f file) listed() sink.File {
	l := sink.File{File: f.ID, Bytes: f.Bytes}
	if tag, ours := strings.CutSuffix(f.Filename, filename("")); ours {
		l.Tag = tag
	}
	if f.CreatedAt > 0 {
		l.Created = f.CreatedAt.Time()
	}
	return l
}
