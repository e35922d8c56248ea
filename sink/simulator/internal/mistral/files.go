package mistral

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// fileData is what else Mistral knows of a file.
type fileData struct {
	Sample     string `json:"sample"`
	Lines      *int   `json:"lines,omitempty"`
	Source     string `json:"source"`
	Visibility string `json:"visibility,omitempty"`
	Type       string `json:"type,omitempty"` // its media type, if it is a document
}

// The kinds of files: those of a batch, and documents.
const (
	sampleDocument = "ocr_input"

	sampleRequest = "batch_request"
	sampleResult  = "batch_result"
	sampleError   = "batch_error"
)

func (d fileData) encode() json.RawMessage {
	data, _ := json.Marshal(d) //nolint:errchkjson // it has nothing that fails
	return data
}

func dataOf(f protocol.File) (d fileData) {
	_ = json.Unmarshal(f.Data, &d) // the protocol wrote it itself
	return d
}

// fileObject is a file as clients see it.
type fileObject struct {
	ID         string  `json:"id"`
	Object     string  `json:"object"`
	Bytes      int64   `json:"bytes"`
	CreatedAt  int64   `json:"created_at"`
	Filename   string  `json:"filename"`
	Purpose    string  `json:"purpose"`
	SampleType string  `json:"sample_type"`
	NumLines   *int    `json:"num_lines"`
	Mimetype   string  `json:"mimetype"`
	Source     string  `json:"source"`
	Signature  *string `json:"signature"`
	ExpiresAt  *int64  `json:"expires_at"`
	Visibility *string `json:"visibility"`
	Deleted    *bool   `json:"deleted,omitempty"` // only where one file is asked for
}

func newFileObject(f protocol.File) fileObject {
	d := dataOf(f)
	mediaType := cmp.Or(d.Type, "application/jsonl")
	return fileObject{
		ID: f.ID, Object: "file", Bytes: f.Bytes, CreatedAt: f.Created.Unix(), Filename: f.Name, Purpose: f.Purpose,
		SampleType: d.Sample, NumLines: d.Lines, Mimetype: mediaType, Source: d.Source, Visibility: optional(d.Visibility),
	}
}

// file returns the file that the request's path names.
func file(s protocol.Session, r *http.Request) (protocol.File, error) {
	id := r.PathValue("id")
	if !isUUID(id) {
		return protocol.File{}, wrong("uuid_parsing", "Input should be a valid UUID", id, "path", "file_id")
	}
	f, found := s.File(id)
	if !found || f.Hidden {
		return f, notFound("File %s not found", id)
	}
	return f, nil
}

func getFile(s protocol.Session, r *http.Request) (any, error) {
	f, err := file(s, r)
	o := newFileObject(f)
	o.Deleted = new(bool)
	return o, err
}

// listFiles lists those that the query asks for, the newest first.
func listFiles(s protocol.Session, r *http.Request) (any, error) {
	query := r.URL.Query()
	files := slices.DeleteFunc(s.Files(), func(f protocol.File) bool {
		d := dataOf(f)
		return !asked(query["purpose"], f.Purpose) || !asked(query["sample_type"], d.Sample) || !asked(query["source"], d.Source) ||
			!strings.Contains(f.Name, query.Get("search"))
	})
	return listPage(query, files, func(f protocol.File) any { return newFileObject(f) })
}

// asked reports whether a value is among those that a query asks for, if it
// asks for any.
func asked(values []string, value string) bool {
	return len(values) == 0 || slices.Contains(values, value)
}

func deleteFile(s protocol.Session, r *http.Request) (any, error) {
	f, err := file(s, r)
	if err != nil {
		return nil, err
	}
	err = s.DeleteFile(f)
	return map[string]any{"id": f.ID, "object": "file", "deleted": true}, err
}

func downloadFile(s protocol.Session, r *http.Request) (any, error) {
	f, err := file(s, r)
	if err != nil {
		return nil, err
	}
	in, err := s.Open(f)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFound("File %s not found", f.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("simulator: read content: %w", err)
	}
	return content{file: f, in: in}, nil
}

// content is the bytes of a file.
type content struct {
	file protocol.File
	in   *os.File
}

// serve replies with the file, or the part of it that the request asks for.
func (c content) serve(w http.ResponseWriter, r *http.Request) {
	defer func() { _ = c.in.Close() }()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", strconv.Quote(c.file.ID))
	http.ServeContent(w, r, "", c.file.Created, c.in)
}
