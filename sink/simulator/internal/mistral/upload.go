package mistral

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// upload is what the parts of an upload say. They may come in any order.
type upload struct {
	id                          string // of the file to be
	purpose, visibility, expiry string
	name, mediaType             string
	bytes                       int64
	begin                       []byte // the first bytes that are not space
	lines                       lineCounter
	hasFile                     bool
}

var (
	purposes     = []string{"fine-tune", "batch", "ocr", "audio"}
	visibilities = []string{"workspace", "user"}
)

func uploadFile(s protocol.Session, r *http.Request) (any, error) {
	// The multipart reader asks for a few KB at a time.
	r.Body = struct {
		io.Reader
		io.Closer
	}{bufio.NewReaderSize(r.Body, 64<<10), r.Body}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, wrong("missing", "Field required", nil, "body", "file")
	}
	up := upload{id: uuid(), purpose: "fine-tune", visibility: "workspace"}
	if err = up.receive(s, parts); err == nil {
		err = up.check()
	}
	if err != nil {
		s.Discard(up.id)
		return nil, err
	}
	d := fileData{Sample: "instruct", Lines: &up.lines.n, Source: "upload", Visibility: up.visibility}
	switch up.purpose {
	case "batch":
		d.Sample = sampleRequest
	case "ocr":
		d.Sample, d.Lines, d.Type = sampleDocument, nil, up.mediaType
	}
	f, err := s.AddFile(protocol.File{
		Identity: protocol.Identity{ID: up.id}, Name: up.name, Purpose: up.purpose, Bytes: up.bytes, Data: d.encode(),
	})
	return newFileObject(f), err
}

// receive reads the parts and stores the content of the file among them.
func (up *upload) receive(s protocol.Session, parts *multipart.Reader) error {
	fields := map[string]*string{"purpose": &up.purpose, "visibility": &up.visibility, "expiry": &up.expiry}
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unreadable(err)
		}
		field, known := fields[part.FormName()]
		switch {
		case part.FormName() == "file":
			err = up.receiveFile(s, part)
		case known:
			*field, err = readField(part)
		default:
			err = wrong("extra_forbidden", "Extra inputs are not permitted", nil, "body", part.FormName())
		}
		if err != nil {
			return err
		}
	}
}

func unreadable(err error) error {
	return failure(http.StatusBadRequest, "", "invalid_request_error", "There was an error parsing the body: %v", err)
}

// readField returns the value of a form field, which is short.
func readField(part io.Reader) (string, error) {
	value, err := io.ReadAll(io.LimitReader(part, 1<<10))
	if err != nil {
		return "", unreadable(err)
	}
	return string(value), nil
}

func (up *upload) receiveFile(s protocol.Session, part *multipart.Part) (err error) {
	if up.hasFile {
		return wrong("value_error", "There is more than one file", nil, "body", "file")
	}
	up.hasFile, up.name, up.mediaType = true, part.FileName(), part.Header.Get("Content-Type")
	limit := s.Rules().UploadBytes
	in := bufio.NewReaderSize(io.LimitReader(part, limit+1), 64<<10)
	begin, _ := in.Peek(256)
	up.begin = bytes.Clone(bytes.TrimLeft(begin, scan.Blank))
	up.bytes, err = s.Receive(up.id, io.TeeReader(in, &up.lines))
	switch {
	case up.bytes > limit:
		return failure(http.StatusRequestEntityTooLarge, "", "invalid_request_error", "The file is larger than %d bytes", limit)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return unreadable(err)
	case err != nil:
		return fmt.Errorf("simulator: store upload: %w", err)
	}
	return nil
}

// check returns what is wrong with the upload. What is wrong with the lines of
// a file is found when it is used.
func (up *upload) check() error {
	switch {
	case !up.hasFile:
		return wrong("missing", "Field required", nil, "body", "file")
	case !slices.Contains(purposes, up.purpose):
		return wrong("enum", "Input should be 'fine-tune', 'batch', 'ocr' or 'audio'", up.purpose, "body", "purpose")
	case !slices.Contains(visibilities, up.visibility):
		return wrong("enum", "Input should be 'workspace' or 'user'", up.visibility, "body", "visibility")
	case up.purpose == "batch" && len(up.begin) > 0 && up.begin[0] != '{':
		return wrong("value_error", "Invalid file format: it must be JSONL", nil, "body", "file")
	}
	return nil
}

// lineCounter counts the lines that are not blank.
type lineCounter struct {
	n      int
	within bool // a line that is counted
}

// Write implements io.Writer.
func (c *lineCounter) Write(p []byte) (int, error) {
	for _, b := range p {
		switch b {
		case '\n':
			c.within = false
		case ' ', '\t', '\r':
		default:
			if !c.within {
				c.within = true
				c.n++
			}
		}
	}
	return len(p), nil
}
