package gemini

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/listing"
	"github.com/balerhq/baler/sink/internal/loose"
	"github.com/balerhq/baler/sink/internal/wire"
)

// file is as much of a file as is used.
type file struct {
	name, displayName string
	uri               string // by which rows refer to it
	state, mediaType  string
	bytes             int64
	created           loose.Timestamp
}

// parseFile reads an item of a list as far as it can be read: what others have
// left must not hide what is ours.
func parseFile(item json.RawMessage) file {
	o := wire.Members(jsontext.Value(item))
	return file{
		name: o.Text("name"), displayName: o.Text("displayName"), uri: o.Text("uri"), state: o.Text("state"), mediaType: o.Text("mimeType"),
		bytes: int64(number(o["sizeBytes"])), created: timestamp(o["createTime"]),
	}
}

// usable reports whether a batch can be made of a file: it is neither still
// being processed nor broken.
func (f *file) usable() bool { return f.name != "" && (f.state == "" || f.state == "ACTIVE") }

func number(v jsontext.Value) (n loose.Number) {
	_ = n.UnmarshalJSON(v) // never fails
	return n
}

func timestamp(v jsontext.Value) (t loose.Timestamp) {
	_ = t.UnmarshalJSON(v) // never fails
	return t
}

// filename is what the file of a batch is called for people.
func filename(tag string) string { return tag + ".jsonl" }

// Files implements sink.Provider: it pages through the account's files. Those
// with the name of a tag are ours.
func (c *Client) Files(ctx context.Context) iter.Seq2[sink.File, error] {
	return func(yield func(sink.File, error) bool) {
		seen := make(map[string]bool)
		for p, err := range listing.Pages(ctx, c.files) {
			if err != nil {
				yield(sink.File{}, fmt.Errorf("gemini: list files: %w", err))
				return
			}
			for _, item := range p.Items {
				f := parseFile(item)
				if f.name == "" || seen[f.name] {
					continue
				}
				if seen[f.name] = true; !yield(f.listed(), nil) {
					return
				}
			}
		}
	}
}

func (f *file) listed() sink.File {
	l := sink.File{File: f.name, Bytes: f.bytes, Created: f.created.Time}
	if tag, isOurs := strings.CutSuffix(f.displayName, filename("")); isOurs {
		l.Tag = tag
	}
	return l
}

func (c *Client) files(ctx context.Context, cursor string) (p listing.Page, err error) {
	err = c.client.Repeat(ctx, func(ctx context.Context) (err error) {
		p, err = c.filesOnce(ctx, httpclient.Other, cursor)
		return err
	})
	return p, err
}

// filesOnce asks for a page of files. An empty list has no member at all.
func (c *Client) filesOnce(ctx context.Context, kind httpclient.Kind, cursor string) (listing.Page, error) {
	query := url.Values{"pageSize": {pageSize}}
	if cursor != "" {
		query.Set("pageToken", cursor)
	}
	var list json.RawMessage
	call := httpclient.Call{Method: http.MethodGet, Path: version + "files?" + query.Encode(), Kind: kind}
	if err := c.client.Once(ctx, call, &list); err != nil {
		return listing.Page{}, err
	}
	return parsePage(jsontext.Value(list), "files")
}

// isGone reports whether a file is certainly not there.
func (c *Client) isGone(ctx context.Context, name string) bool {
	return name != "" && noFile(c.client.Do(ctx, httpclient.Call{Method: http.MethodGet, Path: filePath(name)}, nil))
}

// noFile reports whether a call found no file. The API says of one that was
// deleted that the caller may lack the permission to see it.
func noFile(err error) bool {
	return client.NotFound(err) ||
		client.Status(err) == http.StatusForbidden && strings.Contains(err.Error(), "may not exist")
}
