package gemini

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/listing"
	"github.com/balerhq/baler/sink/llm"
)

// The API's rules of stored files, see https://ai.google.dev/gemini-api/docs/files:
// it deletes them after two days, and an account has room for 20 GB.
const fileLife = 48 * time.Hour

// store implements sink.FileStore with the API's files. The ID of a file is its
// URI, by which rows refer to it. Its display name is the name it is stored
// under.
type store struct{ *Client }

// Takes implements sink.FileStore.
func (store) Takes(mediaType string) bool {
	return slices.Contains(attachments{}.FileLimits("").Types, mediaType)
}

// Refer implements sink.FileStore.
func (store) Refer(f llm.File, id string) llm.File { return llm.File{URL: id, Type: f.Type} }

// Keeps implements sink.FileStore.
func (store) Keeps() time.Duration { return fileLife }

// Put implements sink.FileStore. An upload that broke off goes on where it was,
// and a repetition uses what an attempt that was not answered has stored. A file
// that the API fails to process is deleted.
func (s store) Put(ctx context.Context, name, mediaType string, data []byte) (string, error) {
	u := upload{
		Client: s.Client, name: name, mediaType: mediaType, size: int64(len(data)),
		open: func() io.ReadCloser { return io.NopCloser(bytes.NewReader(data)) },
	}
	id, err := s.client.PutOnce(ctx, name, s.Stored, func(ctx context.Context) (string, error) {
		f, err := u.send(ctx)
		if err == nil && f.uri == "" {
			err = retry.Mark(errors.New("reply does not say where the file is"), retry.Retryable)
		}
		return f.uri, err
	})
	switch {
	case client.Unserved(err):
		err = errors.Join(errors.ErrUnsupported, err)
	case err != nil:
		err = uploadError(err)
	default:
		err = s.settled(ctx, id)
	}
	if err != nil {
		return "", fmt.Errorf("gemini: store file of %d bytes: %w", len(data), err)
	}
	return id, nil
}

// settled waits until a file that was just stored can be used, and deletes it if
// it never can.
func (s store) settled(ctx context.Context, id string) error {
	err := s.ready(ctx, id)
	switch {
	case errors.Is(err, errUnusable):
		return errors.Join(err, s.Delete(ctx, id))
	case noFile(err):
		return retry.Mark(err, retry.Retryable) // somebody has deleted it at once
	}
	return err
}

// errUnusable is a file that the API has failed to process.
var errUnusable = retry.Mark(errors.New("the API cannot process the file"), retry.Permanent)

// How long a file that is being processed is waited for between two looks, and
// in all.
const (
	processWait    = time.Second
	maxProcessWait = 30 * time.Second
	maxProcessing  = 15 * time.Minute
)

// ready waits until a file has been processed.
func (s store) ready(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, maxProcessing, errProcessing)
	defer cancel()
	for wait := processWait; ; wait = min(2*wait, maxProcessWait) {
		var item json.RawMessage
		if err := s.client.Do(ctx, httpclient.Call{Method: http.MethodGet, Path: uriPath(id)}, &item); err != nil {
			return err
		}
		switch f := parseFile(item); {
		case f.usable():
			return nil
		case f.state == "FAILED":
			return errUnusable
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// errProcessing is a file that is still being processed.
var errProcessing = retry.Mark(errors.New("the API is still processing the file"), retry.Retryable)

// Has implements sink.FileStore.
func (s store) Has(ctx context.Context, id string) (bool, error) {
	err := s.ready(ctx, id)
	if errors.Is(err, errUnusable) || client.Status(err) == http.StatusForbidden && noFile(err) {
		return false, nil
	}
	there, err := client.Has(err)
	if err != nil {
		return false, fmt.Errorf("gemini: look for file: %w", err)
	}
	return there, nil
}

// Stored implements sink.FileStore.
func (s store) Stored(ctx context.Context, prefix string) iter.Seq2[sink.File, error] {
	return func(yield func(sink.File, error) bool) {
		seen := make(map[string]bool)
		for p, err := range listing.Pages(ctx, s.files) {
			if client.Unserved(err) {
				err = errors.Join(errors.ErrUnsupported, err)
			}
			if err != nil {
				yield(sink.File{}, fmt.Errorf("gemini: list files: %w", err))
				return
			}
			for _, item := range p.Items {
				f := parseFile(item)
				if f.uri == "" || seen[f.uri] || f.mediaType == jsonLines || !strings.HasPrefix(f.displayName, prefix) {
					continue
				}
				if seen[f.uri] = true; !yield(sink.File{File: f.uri, Tag: f.displayName, Bytes: f.bytes, Created: f.created.Time}, nil) {
					return
				}
			}
		}
	}
}

// Delete implements sink.FileStore.
func (s store) Delete(ctx context.Context, id string) error {
	call := httpclient.Call{Method: http.MethodDelete, Path: uriPath(id), Kind: httpclient.Delete}
	if err := s.client.Do(ctx, call, nil); err != nil && !noFile(err) {
		return fmt.Errorf("gemini: delete file: %w", err)
	}
	return nil
}

// uriPath is where the file of a URI is: at the host of the API, whatever host
// the URI names.
func uriPath(uri string) string { return filePath(uri[strings.LastIndexByte(uri, '/')+1:]) }
