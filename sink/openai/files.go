package openai

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

var _ sink.FileLister = (*Client)(nil)

// Files implements sink.FileLister: it pages through the account's files for
// batches.
func (c *Client) Files(ctx context.Context) iter.Seq2[sink.File, error] {
	return func(yield func(sink.File, error) bool) {
		query := url.Values{"purpose": {"batch"}, "limit": {"1000"}}
		seen := make(map[string]bool)
		for {
			var list struct {
				Data    []file `json:"data"`
				HasMore bool   `json:"has_more"`
			}
			call := httpclient.Call{Method: http.MethodGet, Path: "/files?" + query.Encode()}
			switch err := c.do(ctx, call, &list); {
			case notFound(err) || status(err) == http.StatusMethodNotAllowed:
				return // a server that keeps no list
			case err != nil:
				yield(sink.File{}, fmt.Errorf("openai: list files: %w", err))
				return
			}
			fresh := false
			for _, f := range list.Data {
				if seen[f.ID] {
					continue
				}
				seen[f.ID], fresh = true, true
				if !yield(f.listed(), nil) {
					return
				}
			}
			if !list.HasMore || !fresh {
				return
			}
			query.Set("after", list.Data[len(list.Data)-1].ID)
		}
	}
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
