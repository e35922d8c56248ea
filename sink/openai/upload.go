package openai

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

type file struct {
	ID        string    `json:"id"`
	Filename  string    `json:"filename"`
	Bytes     int64     `json:"bytes"`
	CreatedAt timestamp `json:"created_at"`
}

// slowest is what a line must carry for an upload to be worth it, in bytes a
// second: the largest batch of OpenAI then takes less than an hour.
const slowest = 64 << 10

// Upload implements sink.Provider. The file is named after the tag, so that an
// upload whose reply was lost is found and used. The rows are measured first,
// since some servers refuse chunked bodies. Those of a large batch are ranged
// over once more when they are sent.
func (c *Client) Upload(ctx context.Context, spec sink.Spec, rows sink.Rows) (string, error) {
	l, err := measure(spec.Endpoint, rows)
	if err != nil {
		return "", fmt.Errorf("openai: upload: %w", err)
	}
	var id string
	err = c.cfg.Retry.Do(ctx, func(ctx context.Context) (err error) {
		if id, err = c.uploaded(ctx, spec.Tag, l.size); err != nil || id != "" {
			return err
		}
		id, err = c.upload(ctx, spec, rows, &l)
		return err
	})
	if said, ok := errors.AsType[*retry.Error](err); ok {
		err = unlessSaid(said, err)
	}
	switch {
	case storageFull(err):
		err = because(sink.ErrStorageFull, err)
	case status(err) == http.StatusRequestEntityTooLarge:
		err = because(sink.ErrTooLarge, err)
	}
	if err != nil {
		return "", fmt.Errorf("openai: upload of %d bytes: %w", l.size, err)
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
	if err := c.api.Do(ctx, call, &list); err != nil {
		if notFound(err) || status(err) == http.StatusMethodNotAllowed {
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

func (c *Client) upload(ctx context.Context, spec sink.Spec, rows sink.Rows, l *lines) (string, error) {
	boundary := rand.Text()
	head := "--" + boundary + "\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n" +
		"--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + filename(spec.Tag) +
		"\"\r\nContent-Type: application/jsonl\r\n\r\n"
	tail := "\r\n--" + boundary + "--\r\n"
	body := l.reader(head, tail, spec.Endpoint, rows)
	defer body.Close()
	var f file
	err := c.api.Do(ctx, httpclient.Call{
		Method: http.MethodPost, Path: "/files", Kind: httpclient.Upload,
		Body: body, Size: int64(len(head)) + l.size + int64(len(tail)),
		ContentType: "multipart/form-data; boundary=" + boundary,
		Timeout:     time.Minute + time.Duration(l.size)*time.Second/slowest,
	}, &f)
	if err == nil && f.ID == "" {
		err = errors.New("reply names no file")
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
		b, err := c.endedBatch(ctx, h.Batch, httpclient.Delete)
		if err != nil && !notFound(err) {
			return fmt.Errorf("openai: remove: %w", err)
		}
		files = append(files, b.InputFile, b.OutputFile, b.ErrorFile)
	}
	deleted := make(map[string]bool)
	for _, id := range files {
		if id == "" || deleted[id] {
			continue
		}
		deleted[id] = true
		call := httpclient.Call{Method: http.MethodDelete, Path: "/files/" + url.PathEscape(id), Kind: httpclient.Delete}
		if err := c.do(ctx, call, nil); err != nil && !notFound(err) {
			return fmt.Errorf("openai: remove: %w", err)
		}
	}
	return nil
}
