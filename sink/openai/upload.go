package openai

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/loose"
	"github.com/balerhq/baler/sink/internal/payload"
)

type file struct {
	ID        string          `json:"id"`
	Filename  string          `json:"filename"`
	Bytes     int64           `json:"bytes"`
	CreatedAt loose.Timestamp `json:"created_at"`
}

// Upload implements sink.Provider. The file is named after the tag, so that an
// upload whose reply was lost is found and used. The rows are measured first,
// since some servers refuse chunked bodies. Those of a large batch are ranged
// over once more when they are sent.
func (c *Client) Upload(ctx context.Context, spec sink.Spec, rows sink.Rows) (string, error) {
	p, err := payload.Measure(lineFormat(spec.Endpoint), rows)
	if err != nil {
		return "", fmt.Errorf("openai: upload: %w", err)
	}
	var id string
	look := !spec.New // for an earlier upload
	err = c.client.Repeat(ctx, func(ctx context.Context) (err error) {
		if look {
			if id, err = c.uploaded(ctx, spec.Tag, p.Size); err != nil || id != "" {
				return err
			}
		}
		look = true
		id, err = c.upload(ctx, spec, rows, &p)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("openai: upload of %d bytes: %w", p.Size, client.Uploaded(err))
	}
	c.files.add(id, filename(spec.Tag))
	return id, nil
}

// uploaded looks among the newest files for an earlier upload of this one.
func (c *Client) uploaded(ctx context.Context, tag string, size int64) (string, error) {
	var list struct {
		Data []file `json:"data"`
	}
	call := httpclient.Call{Method: http.MethodGet, Path: "/files?purpose=batch&order=desc&limit=100", Kind: httpclient.Unpaced}
	if err := c.client.Once(ctx, call, &list); err != nil {
		if client.NotFound(err) || client.Status(err) == http.StatusMethodNotAllowed {
			return "", nil // a server that keeps no list
		}
		return "", err
	}
	for _, f := range list.Data {
		if f.Filename == filename(tag) && f.Bytes == size {
			return f.ID, nil
		}
	}
	return "", nil
}

func (c *Client) upload(ctx context.Context, spec sink.Spec, rows sink.Rows, p *payload.Payload) (string, error) {
	call, body := p.Form(httpclient.Call{Method: http.MethodPost, Path: "/files", Kind: httpclient.Upload},
		[]payload.Field{{Name: "purpose", Value: "batch"}}, filename(spec.Tag), rows)
	defer body.Close()
	var f file
	err := c.client.Once(ctx, call, &f)
	if err == nil && f.ID == "" {
		err = retry.Mark(errors.New("reply names no file"), retry.Retryable)
	}
	return f.ID, err
}

// Remove implements sink.Provider: it deletes the input file and, if the handle
// names the batch, its output and error file. If the batch has not ended, it
// has none yet, and the error is sink.ErrNotEnded. The batch itself cannot be
// deleted.
func (c *Client) Remove(ctx context.Context, h sink.Handle) error {
	files := []string{h.File}
	if h.Batch != "" {
		b, known := c.endings.take(h.Batch)
		if !known {
			var err error
			if b, err = c.endedBatch(ctx, h.Batch, httpclient.Delete); err != nil && !client.NotFound(err) {
				return fmt.Errorf("openai: remove: %w", err)
			}
		}
		files = append(files, b.InputFile, b.OutputFile, b.ErrorFile)
	}
	deleted := make(map[string]bool)
	for _, id := range files {
		if id == "" || deleted[id] || c.endings.takeDeleted(id) {
			continue
		}
		deleted[id] = true
		call := httpclient.Call{Method: http.MethodDelete, Path: "/files/" + url.PathEscape(id), Kind: httpclient.Delete}
		if err := c.client.Do(ctx, call, nil); err != nil && !client.NotFound(err) {
			return fmt.Errorf("openai: remove: %w", err)
		}
		if h.Batch == "" {
			c.endings.noteDeleted(id)
		}
	}
	return nil
}
