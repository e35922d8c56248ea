package mistral

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/payload"
	"github.com/balerhq/baler/sink/llm"
)

// storePurpose is that of documents which requests refer to.
const storePurpose = "ocr"

// store implements sink.FileStore with Mistral's files.
type store struct{ *Client }

// Takes implements sink.FileStore. Chats refer to documents by their ID, and to
// images by a URL alone. A URL of a stored file expires, and anybody has the
// file who has it, so none is asked for.
func (store) Takes(mediaType string) bool { return mediaType == "application/pdf" }

// Refer implements sink.FileStore. A file has the name under which it is stored.
func (store) Refer(_ llm.File, id string) llm.File { return llm.File{ID: id} }

// Keeps implements sink.FileStore.
func (store) Keeps() time.Duration { return 0 }

// Put implements sink.FileStore. A repetition uses what an attempt that was not
// answered has stored.
func (s store) Put(ctx context.Context, name, mediaType string, data []byte) (string, error) {
	form, err := payload.NewFileForm([]payload.Field{{Name: "purpose", Value: storePurpose}}, name, mediaType, data)
	if err != nil {
		return "", fmt.Errorf("mistral: store file: %w", err)
	}
	id, err := s.client.PutOnce(ctx, name, s.Stored, func(ctx context.Context) (string, error) {
		var f file
		err := s.client.Once(ctx, form.On(httpclient.Call{Method: http.MethodPost, Path: filesPath}), &f)
		if err == nil && f.ID == "" {
			err = retry.Mark(errors.New("reply names no file"), retry.Retryable)
		}
		return f.ID, err
	})
	if err != nil {
		return "", fmt.Errorf("mistral: store file of %d bytes: %w", len(data), client.Stored(err))
	}
	return id, nil
}

// Has implements sink.FileStore.
func (s store) Has(ctx context.Context, id string) (bool, error) {
	there, err := client.Has(s.client.Do(ctx, httpclient.Call{Method: http.MethodGet, Path: filePath(id)}, nil))
	if err != nil {
		return false, fmt.Errorf("mistral: look for file: %w", err)
	}
	return there, nil
}

// Stored implements sink.FileStore.
func (s store) Stored(ctx context.Context, prefix string) iter.Seq2[sink.File, error] {
	return func(yield func(sink.File, error) bool) {
		seen := make(map[string]bool)
		for p, err := range s.pages(ctx, filesPath, url.Values{"purpose": {storePurpose}}) {
			if client.Unserved(err) {
				err = errors.Join(errors.ErrUnsupported, err)
			}
			if err != nil {
				yield(sink.File{}, fmt.Errorf("mistral: list files: %w", err))
				return
			}
			for _, item := range p.Items {
				f := parseFile(item)
				if f.ID == "" || seen[f.ID] || !strings.HasPrefix(f.Filename, prefix) {
					continue
				}
				if seen[f.ID] = true; !yield(sink.File{File: f.ID, Tag: f.Filename, Bytes: int64(f.Bytes), Created: f.CreatedAt.Time}, nil) {
					return
				}
			}
		}
	}
}

// Delete implements sink.FileStore.
func (s store) Delete(ctx context.Context, id string) error {
	call := httpclient.Call{Method: http.MethodDelete, Path: filePath(id), Kind: httpclient.Delete}
	if err := s.client.Do(ctx, call, nil); err != nil && !client.NotFound(err) {
		return fmt.Errorf("mistral: delete file: %w", err)
	}
	return nil
}
