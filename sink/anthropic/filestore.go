package anthropic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/listing"
	"github.com/balerhq/baler/sink/internal/loose"
	"github.com/balerhq/baler/sink/internal/payload"
	"github.com/balerhq/baler/sink/llm"
)

// filesBeta is the name of Anthropic's beta feature by which requests refer to
// files, see https://docs.claude.com/en/docs/build-with-claude/files.
const filesBeta = "files-api-2025-04-14"

const filesPath = "/v1/files"

// withFiles returns a header that asks for the feature.
func withFiles(header http.Header) http.Header {
	header = header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	addBetas(header, filesBeta)
	return header
}

// addBetas asks for further features.
func addBetas(header http.Header, betas ...string) {
	if asked := header.Get("Anthropic-Beta"); asked != "" {
		betas = append([]string{asked}, betas...)
	}
	setNonEmpty(header, "Anthropic-Beta", strings.Join(betas, ","))
}

var aboutFiles = withFiles(nil)

// refersToFiles reports whether a row may refer to a file.
func refersToFiles(body []byte) bool { return bytes.Contains(body, []byte(`"file_id"`)) }

// store implements sink.FileStore with Anthropic's files.
type store struct{ *Client }

// Takes implements sink.FileStore.
func (store) Takes(mediaType string) bool {
	return slices.Contains(attachments{}.FileLimits("").Types, mediaType)
}

// Refer implements sink.FileStore. The name of a document is its title.
func (store) Refer(f llm.File, id string) llm.File { return llm.File{ID: id, Name: f.Name} }

// Keeps implements sink.FileStore.
func (store) Keeps() time.Duration { return 0 }

// Has implements sink.FileStore.
func (s store) Has(ctx context.Context, id string) (bool, error) {
	there, err := client.Has(s.client.Do(ctx, httpclient.Call{Method: http.MethodGet, Path: filesPath + "/" + url.PathEscape(id), Header: aboutFiles}, nil))
	if err != nil {
		return false, fmt.Errorf("anthropic: look for file: %w", err)
	}
	return there, nil
}

// file is one as the API shows it.
type file struct {
	ID        string          `json:"id"`
	Filename  string          `json:"filename"`
	Size      int64           `json:"size_bytes"`
	CreatedAt loose.Timestamp `json:"created_at"`
}

// Put implements sink.FileStore. A repetition uses what an attempt that was not
// answered has stored.
func (s store) Put(ctx context.Context, name, mediaType string, data []byte) (string, error) {
	form, err := payload.NewFileForm(nil, name, mediaType, data)
	if err != nil {
		return "", fmt.Errorf("anthropic: store file: %w", err)
	}
	id, err := s.client.PutOnce(ctx, name, s.Stored, func(ctx context.Context) (string, error) {
		var f file
		err := s.client.Once(ctx, form.On(httpclient.Call{Method: http.MethodPost, Path: filesPath, Header: aboutFiles}), &f)
		if err == nil && f.ID == "" {
			err = retry.Mark(errors.New("reply names no file"), retry.Retryable)
		}
		return f.ID, err
	})
	if err != nil {
		return "", fmt.Errorf("anthropic: store file of %d bytes: %w", len(data), client.Stored(err))
	}
	return id, nil
}

// Stored implements sink.FileStore.
func (s store) Stored(ctx context.Context, prefix string) iter.Seq2[sink.File, error] {
	return func(yield func(sink.File, error) bool) {
		for p, err := range listing.Pages(ctx, s.filePage) {
			if client.Unserved(err) {
				err = errors.Join(errors.ErrUnsupported, err)
			}
			if err != nil {
				yield(sink.File{}, fmt.Errorf("anthropic: list files: %w", err))
				return
			}
			for _, item := range p.Items {
				var f file
				_ = json.Unmarshal(item, &f) // what cannot be read is no file of ours
				if f.ID == "" || !strings.HasPrefix(f.Filename, prefix) {
					continue
				}
				if !yield(sink.File{File: f.ID, Tag: f.Filename, Bytes: f.Size, Created: f.CreatedAt.Time}, nil) {
					return
				}
			}
		}
	}
}

// filePage reads the page of the list after a file.
func (s store) filePage(ctx context.Context, after string) (listing.Page, error) {
	query := url.Values{"limit": {"1000"}}
	if after != "" {
		query.Set("after_id", after)
	}
	var p page
	err := s.client.Do(ctx, httpclient.Call{Method: http.MethodGet, Path: filesPath + "?" + query.Encode(), Header: aboutFiles}, &p)
	return p.Page, err
}

// Delete implements sink.FileStore.
func (s store) Delete(ctx context.Context, id string) error {
	call := httpclient.Call{Method: http.MethodDelete, Path: filesPath + "/" + url.PathEscape(id), Kind: httpclient.Delete, Header: aboutFiles}
	if err := s.client.Do(ctx, call, nil); err != nil && !client.NotFound(err) {
		return fmt.Errorf("anthropic: delete file: %w", err)
	}
	return nil
}
