package openai

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

// storePurpose is that of files which requests refer to.
const storePurpose = "user_data"

// store implements sink.FileStore with OpenAI's files.
type store struct{ *Client }

// Takes implements sink.FileStore. Chat completions refer to PDFs only,
// responses also to images.
func (s store) Takes(mediaType string) bool {
	isImage := strings.HasPrefix(mediaType, "image/") && s.codec.Endpoint() == responsesEndpoint
	return isImage || mediaType == "application/pdf"
}

// Refer implements sink.FileStore. A file has the name under which it is
// stored: OpenAI takes no other beside its ID.
func (store) Refer(_ llm.File, id string) llm.File { return llm.File{ID: id} }

// Keeps implements sink.FileStore.
func (store) Keeps() time.Duration { return 0 }

// Has implements sink.FileStore.
func (s store) Has(ctx context.Context, id string) (bool, error) {
	there, err := client.Has(s.client.Do(ctx, httpclient.Call{Method: http.MethodGet, Path: "/files/" + url.PathEscape(id)}, nil))
	if err != nil {
		return false, fmt.Errorf("openai: look for file: %w", err)
	}
	return there, nil
}

// Put implements sink.FileStore. A repetition uses what an attempt that was not
// answered has stored.
func (s store) Put(ctx context.Context, name, mediaType string, data []byte) (string, error) {
	form, err := payload.NewFileForm([]payload.Field{{Name: "purpose", Value: storePurpose}}, name, mediaType, data)
	if err != nil {
		return "", fmt.Errorf("openai: store file: %w", err)
	}
	id, err := s.client.PutOnce(ctx, name, s.Stored, func(ctx context.Context) (string, error) {
		var f file
		err := s.client.Once(ctx, form.On(httpclient.Call{Method: http.MethodPost, Path: "/files"}), &f)
		if err == nil && f.ID == "" {
			err = retry.Mark(errors.New("reply names no file"), retry.Retryable)
		}
		return f.ID, err
	})
	if err != nil {
		return "", fmt.Errorf("openai: store file of %d bytes: %w", len(data), client.Stored(err))
	}
	return id, nil
}

// Stored implements sink.FileStore.
func (s store) Stored(ctx context.Context, prefix string) iter.Seq2[sink.File, error] {
	return func(yield func(sink.File, error) bool) {
		for p, err := range s.pages(ctx, "/files", url.Values{"purpose": {storePurpose}, "limit": {"1000"}}) {
			if client.Unserved(err) {
				err = errors.Join(errors.ErrUnsupported, err)
			}
			if err != nil {
				yield(sink.File{}, fmt.Errorf("openai: list files: %w", err))
				return
			}
			for _, item := range p.Items {
				f := parseFile(item)
				if f.ID == "" || !strings.HasPrefix(f.Filename, prefix) {
					continue
				}
				if !yield(sink.File{File: f.ID, Tag: f.Filename, Bytes: f.Bytes, Created: f.CreatedAt.Time}, nil) {
					return
				}
			}
		}
	}
}

// Delete implements sink.FileStore.
func (s store) Delete(ctx context.Context, id string) error {
	call := httpclient.Call{Method: http.MethodDelete, Path: "/files/" + url.PathEscape(id), Kind: httpclient.Delete}
	if err := s.client.Do(ctx, call, nil); err != nil && !client.NotFound(err) {
		return fmt.Errorf("openai: delete file: %w", err)
	}
	return nil
}
