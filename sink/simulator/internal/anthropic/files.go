package anthropic

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// filesBeta is the feature that a request has to ask for if it is about files.
const filesBeta = "files-api-2025-04-14"

// mayRefer reports whether a request asks for the feature.
func mayRefer(r *http.Request) bool {
	for _, betas := range r.Header.Values("Anthropic-Beta") {
		for name := range strings.SplitSeq(betas, ",") {
			if strings.TrimSpace(name) == filesBeta {
				return true
			}
		}
	}
	return false
}

// aboutFiles refuses a request that does not ask for the feature.
func aboutFiles(handle handler) handler {
	return func(c call) (any, error) {
		if !mayRefer(c.r) {
			return nil, &apiError{status: http.StatusNotFound, message: "Not found: " + c.r.Method + " " + c.r.URL.Path}
		}
		return handle(c)
	}
}

// fileObject is a file as clients see it.
type fileObject struct {
	ID           string `json:"id"`
	Type         string `json:"type"`
	Filename     string `json:"filename"`
	MediaType    string `json:"mime_type"`
	Size         int64  `json:"size_bytes"`
	CreatedAt    string `json:"created_at"`
	Downloadable bool   `json:"downloadable"`
}

// newFileObject returns a file as clients see it. Its Purpose is its media
// type.
func newFileObject(f protocol.File) fileObject {
	return fileObject{ID: f.ID, Type: "file", Filename: f.Name, MediaType: f.Purpose, Size: f.Bytes, CreatedAt: timestamp(f.Created)}
}

// uploadFile stores the file of a form, which has nothing else.
func uploadFile(c call) (any, error) {
	parts, err := c.r.MultipartReader()
	if err != nil {
		return nil, invalid("The request is not multipart/form-data: %v", err)
	}
	f := protocol.File{Identity: protocol.Identity{ID: protocol.NewID("file_")}}
	if err := receiveFile(c, parts, &f); err != nil {
		c.Discard(f.ID)
		return nil, err
	}
	f, err = c.AddFile(f)
	return newFileObject(f), err
}

func receiveFile(c call, parts *multipart.Reader, f *protocol.File) error {
	for hasFile := false; ; hasFile = true {
		part, err := parts.NextRawPart()
		switch {
		case errors.Is(err, io.EOF) && hasFile:
			return nil
		case errors.Is(err, io.EOF):
			return invalid("file: Field required")
		case err != nil:
			return invalid("The upload cannot be read: %v", err)
		case hasFile || part.FormName() != "file":
			return invalid("%s: Extra inputs are not permitted", part.FormName())
		}
		f.Name, f.Purpose = part.FileName(), part.Header.Get("Content-Type")
		if f.Name == "" || len(f.Name) > 255 || strings.ContainsAny(f.Name, `<>:"|?*\/`) {
			return invalid("Invalid filename")
		}
		limit := c.Rules().UploadBytes
		f.Bytes, err = c.Receive(f.ID, io.LimitReader(part, limit+1))
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			return invalid("The upload ends early")
		case err != nil:
			return fmt.Errorf("simulator: store upload: %w", err)
		case f.Bytes > limit:
			return tooLarge("File exceeds the maximum size")
		}
	}
}

// file returns the file that the request's path names.
func file(c call) (protocol.File, error) {
	f, found := c.File(c.r.PathValue("id"))
	if !found || f.Hidden {
		return f, &apiError{status: http.StatusNotFound, message: "File not found: " + c.r.PathValue("id")}
	}
	return f, nil
}

func getFile(c call) (any, error) {
	f, err := file(c)
	return newFileObject(f), err
}

func deleteFile(c call) (any, error) {
	f, err := file(c)
	if err == nil {
		err = c.DeleteFile(f)
	}
	return map[string]string{"id": f.ID, "type": "file_deleted"}, err
}

// listFiles returns a page of the files, newest first.
func listFiles(c call) (any, error) {
	return pageOf(c, "File", c.Files(), func(f protocol.File) (string, any) { return f.ID, newFileObject(f) })
}

// mediaOf are the types of files that a block of a kind refers to.
var mediaOf = map[string][]string{
	"image":    {"image/jpeg", "image/png", "image/gif", "image/webp"},
	"document": {"application/pdf", "text/plain"},
}

// References returns what a row fails with because of the files that it refers
// to.
func (Protocol) References(body []byte, file func(id string) (protocol.File, bool)) (wrong *protocol.RowError) {
	if !bytes.Contains(body, []byte(`"file_id"`)) {
		return nil // as most
	}
	p := readParams(body)
	p.eachBlock(func(_ string, b block) {
		id, refers := referenceIn(b.source)
		if !refers || wrong != nil {
			return
		}
		f, found := file(id)
		switch {
		case !found || f.Hidden:
			wrong = &protocol.RowError{Status: http.StatusNotFound, Message: "File not found: " + id}
		case !slices.Contains(mediaOf[b.kind], f.Purpose):
			wrong = &protocol.RowError{Status: http.StatusBadRequest, Message: "File " + id + " is " + f.Purpose + ", which is not supported in " + b.kind + " blocks"}
		}
	})
	return wrong
}
