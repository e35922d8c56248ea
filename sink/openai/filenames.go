package openai

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/loose"
)

// knownFiles are the names of files, which never change. It is bounded by what
// the account has.
type knownFiles struct{ byID sync.Map }

func (k *knownFiles) add(id, name string) {
	if id != "" && name != "" {
		k.byID.Store(id, name)
	}
}

func (k *knownFiles) name(id string) (string, bool) {
	name, ok := k.byID.Load(id)
	if !ok {
		return "", false
	}
	return name.(string), true //nolint:forcetypeassert // the only type in it
}

// filenames answers what files are called, for one search: it asks for their
// list once, and file by file where there is none.
type filenames struct {
	client *Client
	listed bool // or tried
	noList bool
	gone   map[string]bool
}

func newFilenames(c *Client) *filenames { return &filenames{client: c, gone: make(map[string]bool)} }

// of is the name of a file, "" if nobody knows it: it was deleted, or the
// server does not tell.
func (f *filenames) of(ctx context.Context, id string) (string, error) {
	if name, ok := f.client.files.name(id); ok {
		return name, nil
	}
	if !f.listed {
		if err := f.list(ctx); err != nil {
			return "", err
		}
	}
	if name, ok := f.client.files.name(id); ok || !f.noList || f.gone[id] {
		return name, nil
	}
	return f.ask(ctx, id)
}

// list takes in all files of batches.
func (f *filenames) list(ctx context.Context) error {
	f.listed = true
	for p, err := range f.client.pages(ctx, "/files", url.Values{"limit": {"100"}}) {
		if client.Unserved(err) {
			f.noList = true
			return nil
		}
		if err != nil {
			return err
		}
		for _, item := range p.Items {
			var file struct {
				ID, Filename json.RawMessage
			}
			_ = json.Unmarshal(item, &file) // what cannot be read names no file
			f.client.files.add(loose.Text(file.ID), loose.Text(file.Filename))
		}
	}
	return nil
}

// ask asks for a single file.
func (f *filenames) ask(ctx context.Context, id string) (string, error) {
	var answer file
	call := httpclient.Call{Method: http.MethodGet, Path: "/files/" + url.PathEscape(id)}
	switch err := f.client.client.Do(ctx, call, &answer); {
	case client.Unserved(err):
		f.gone[id] = true
		return "", nil
	case err != nil:
		return "", err
	}
	f.client.files.add(id, answer.Filename)
	return answer.Filename, nil
}

// has reports whether a file of that name is known.
func (f *filenames) has(name string) (found bool) {
	f.client.files.byID.Range(func(_, known any) bool {
		found = known == name
		return !found
	})
	return found
}

func filename(tag string) string { return tag + ".jsonl" }

// untagged is the tag by which a file is named, or the name if it is none of
// ours.
func untagged(name string) string { return strings.TrimSuffix(name, ".jsonl") }
