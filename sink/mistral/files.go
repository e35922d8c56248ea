package mistral

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/loose"
	"github.com/balerhq/baler/sink/internal/payload"
)

const filesPath = "/v1/files"

func filePath(id string) string { return filesPath + "/" + url.PathEscape(id) }

func filename(tag string) string { return tag + ".jsonl" }

// file is as much of a file object as is used.
type file struct {
	ID         string          `json:"id"`
	Filename   string          `json:"filename"`
	Bytes      loose.Number    `json:"bytes"`
	CreatedAt  loose.Timestamp `json:"created_at"`
	SampleType string          `json:"sample_type"`
}

// UnmarshalJSON implements json.Unmarshaler: a member of another type than it
// should be is as good as none.
func (f *file) UnmarshalJSON(data []byte) error {
	type plain file
	return loose.Members(data, (*plain)(f), &f.ID)
}

func parseFile(item json.RawMessage) (f file) {
	_ = f.UnmarshalJSON(item) // it is JSON, as it was a part of some
	return f
}

// Upload implements sink.Provider. The rows of an inline batch stay here. A
// file is named after the tag, so that an upload whose reply was lost is found
// and used. The rows are measured first, and those of a large batch are ranged
// over once more when they are sent.
func (c *Client) Upload(ctx context.Context, spec sink.Spec, rows sink.Rows) (id string, err error) {
	p, err := c.measure(lineFormat, rows)
	if err != nil {
		return "", fmt.Errorf("mistral: upload: %w", err)
	}
	if p.Rows <= c.cfg.InlineRows {
		return "", nil
	}
	look := !spec.New // for an earlier upload
	err = c.client.Repeat(ctx, func(ctx context.Context) (err error) {
		if look {
			if id, err = c.uploaded(ctx, spec.Tag, p.Size); err != nil || id != "" {
				return err
			}
		}
		look = true
		id, err = c.upload(ctx, spec.Tag, rows, &p)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("mistral: upload of %d bytes: %w", p.Size, client.Uploaded(err))
	}
	return id, nil
}

// uploaded looks for an earlier upload of this one, on the first page of the
// files that are called so.
func (c *Client) uploaded(ctx context.Context, tag string, size int64) (string, error) {
	query := url.Values{"purpose": {"batch"}, "search": {filename(tag)}, "page_size": {"100"}}
	var p page
	call := httpclient.Call{Method: http.MethodGet, Path: filesPath + "?" + query.Encode(), Kind: httpclient.Unpaced}
	if err := c.client.Once(ctx, call, &p); err != nil {
		if client.Unserved(err) {
			return "", nil // a server that keeps no list
		}
		return "", err
	}
	for _, item := range p.items {
		if f := parseFile(item); f.Filename == filename(tag) && int64(f.Bytes) == size {
			return f.ID, nil
		}
	}
	return "", nil
}

func (c *Client) upload(ctx context.Context, tag string, rows sink.Rows, p *payload.Payload) (string, error) {
	call, body := p.Form(httpclient.Call{Method: http.MethodPost, Path: filesPath, Kind: httpclient.Upload},
		[]payload.Field{{Name: "purpose", Value: "batch"}}, filename(tag), rows)
	defer body.Close()
	var f file
	err := c.client.Once(ctx, call, &f)
	if err == nil && f.ID == "" {
		err = retry.Mark(errors.New("reply names no file"), retry.Retryable)
	}
	return f.ID, err
}

// Files implements sink.Provider: it pages through the workspace's files for
// batches.
func (c *Client) Files(ctx context.Context) iter.Seq2[sink.File, error] {
	return func(yield func(sink.File, error) bool) {
		seen := make(map[string]bool)
		for p, err := range c.pages(ctx, filesPath, url.Values{"purpose": {"batch"}}) {
			if err != nil {
				yield(sink.File{}, fmt.Errorf("mistral: list files: %w", err))
				return
			}
			for _, item := range p.Items {
				f := parseFile(item)
				if f.ID == "" || seen[f.ID] || !f.isInput() {
					continue
				}
				if seen[f.ID] = true; !yield(f.listed(), nil) {
					return
				}
			}
		}
	}
}

// isInput reports whether the file was uploaded, rather than made by a batch.
func (f *file) isInput() bool { return f.SampleType == "" || f.SampleType == "batch_request" }

func (f *file) listed() sink.File {
	l := sink.File{File: f.ID, Bytes: int64(f.Bytes), Created: f.CreatedAt.Time}
	if tag, ours := strings.CutSuffix(f.Filename, filename("")); ours {
		l.Tag = tag
	}
	return l
}

// Remove implements sink.Provider: it deletes the input file and, if the handle
// names the batch, its output and error file and the batch itself. If the batch
// has not ended, the error is sink.ErrNotEnded.
func (c *Client) Remove(ctx context.Context, h sink.Handle) error {
	files, paths := []string{h.File}, []string(nil)
	if h.Batch != "" {
		j, err := c.endedJob(ctx, h.Batch)
		if err != nil && !unknown(err) {
			return fmt.Errorf("mistral: remove: %w", err)
		}
		files = append(append(files, j.InputFiles...), j.OutputFile, j.ErrorFile)
		if err == nil {
			paths = append(paths, jobPath(h.Batch))
		}
	}
	deleted := map[string]bool{"": true}
	for _, id := range files {
		if !deleted[id] {
			deleted[id] = true
			paths = append([]string{filePath(id)}, paths...) // the batch last: it names the others
		}
	}
	for _, path := range paths {
		call := httpclient.Call{Method: http.MethodDelete, Path: path, Kind: httpclient.Delete}
		if err := c.client.Do(ctx, call, nil); err != nil && !unknown(err) && !client.Unserved(err) {
			return fmt.Errorf("mistral: remove: %w", err)
		}
	}
	return nil
}

// endedJob looks a few times, as a reply may be older than one before it. The
// error is Permanent if the batch has not ended: only time can help.
func (c *Client) endedJob(ctx context.Context, id string) (j job, err error) {
	err = c.client.Repeat(ctx, func(ctx context.Context) (err error) {
		if j, err = c.jobOnce(ctx, id, httpclient.Delete); err == nil && !j.ended() {
			err = fmt.Errorf("batch is %s: %w", loose.Words(j.status()), sink.ErrNotEnded)
		}
		return err
	})
	if errors.Is(err, sink.ErrNotEnded) {
		err = retry.Mark(err, retry.Permanent)
	}
	return j, err
}
