package openai

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/payload"
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

// Put implements sink.FileStore. A repetition uses what an attempt that was not
// answered has stored.
func (s store) Put(ctx context.Context, name, mediaType string, data []byte) (id string, err error) {
	body, contentType, err := form(name, mediaType, data)
	if err != nil {
		return "", fmt.Errorf("openai: store file: %w", err)
	}
	isRepeated := false
	err = s.client.Repeat(ctx, func(ctx context.Context) (err error) {
		if isRepeated {
			if id, err = s.find(ctx, name); err != nil || id != "" {
				return err
			}
		}
		isRepeated = true
		id, err = s.send(ctx, body, contentType)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("openai: store file of %d bytes: %w", len(data), client.Uploaded(err))
	}
	return id, nil
}

func (s store) send(ctx context.Context, body []byte, contentType string) (string, error) {
	var f file
	err := s.client.Once(ctx, httpclient.Call{
		Method: http.MethodPost, Path: "/files", Kind: httpclient.Upload, ContentType: contentType,
		Body: io.NopCloser(bytes.NewReader(body)), Size: int64(len(body)), Timeout: payload.Timeout(int64(len(body))),
	}, &f)
	if err == nil && f.ID == "" {
		err = retry.Mark(errors.New("reply names no file"), retry.Retryable)
	}
	return f.ID, err
}

// form writes the upload of a file.
func form(name, mediaType string, data []byte) (body []byte, contentType string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	err = w.WriteField("purpose", storePurpose)
	header := textproto.MIMEHeader{}
	header.Set("Content-Disposition", multipart.FileContentDisposition("file", name))
	header.Set("Content-Type", mediaType)
	if err == nil {
		var part io.Writer
		if part, err = w.CreatePart(header); err == nil {
			_, err = part.Write(data)
		}
	}
	err = errors.Join(err, w.Close())
	return b.Bytes(), w.FormDataContentType(), err
}

// find returns a file of that name, "" if there is none, or no list.
func (s store) find(ctx context.Context, name string) (string, error) {
	for f, err := range s.Stored(ctx, name) {
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			return "", nil
		case err != nil:
			return "", err
		case f.Tag == name:
			return f.File, nil
		}
	}
	return "", nil
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
