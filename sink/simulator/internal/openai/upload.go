package openai

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// upload is what the parts of an upload say. They may come in any order.
type upload struct {
	id                       string // of the file to be
	purpose, anchor, seconds string
	name                     string
	bytes                    int64
	begin                    []byte // the first bytes that are not space
	hasFile                  bool
}

func uploadFile(s protocol.Session, r *http.Request) (any, error) {
	// The multipart reader asks for a few KB at a time.
	r.Body = struct {
		io.Reader
		io.Closer
	}{bufio.NewReaderSize(r.Body, 64<<10), r.Body}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, invalid("", "", "The upload is not multipart/form-data: %v", err)
	}
	up := upload{id: protocol.NewID("file-")}
	err = up.receive(s, parts)
	var expires time.Time
	if err == nil {
		expires, err = up.check(s.Now())
	}
	if err != nil {
		s.Discard(up.id)
		return nil, err
	}
	f, err := s.AddFile(protocol.File{
		Identity: protocol.Identity{ID: up.id},
		Name:     up.name, Purpose: up.purpose, Bytes: up.bytes, Expires: expires,
	})
	return newFileObject(f), err
}

// receive reads the parts and stores the content of the file among them.
func (up *upload) receive(s protocol.Session, parts *multipart.Reader) error {
	fields := map[string]*string{
		"purpose": &up.purpose, "expires_after[anchor]": &up.anchor, "expires_after[seconds]": &up.seconds,
	}
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return invalid("", "", "The upload cannot be read: %v", err)
		}
		field, known := fields[part.FormName()]
		switch {
		case part.FormName() == "file":
			err = up.receiveFile(s, part)
		case known:
			*field, err = readField(part)
		default:
			err = invalid("unknown_parameter", part.FormName(), "Unknown parameter: '%s'.", part.FormName())
		}
		if err != nil {
			return err
		}
	}
}

// readField returns the value of a form field, which is short.
func readField(part io.Reader) (string, error) {
	value, err := io.ReadAll(io.LimitReader(part, 1<<10))
	if err != nil {
		return "", invalid("", "", "The upload cannot be read: %v", err)
	}
	return string(value), nil
}

func (up *upload) receiveFile(s protocol.Session, part *multipart.Part) (err error) {
	if up.hasFile {
		return invalid("", "file", "The upload holds more than one file.")
	}
	up.hasFile, up.name = true, part.FileName()
	limit := s.Rules().UploadBytes
	in := bufio.NewReaderSize(io.LimitReader(part, limit+1), 64<<10)
	begin, _ := in.Peek(256)
	up.begin = bytes.Clone(bytes.TrimLeft(begin, scan.Blank))
	up.bytes, err = s.Receive(up.id, in)
	switch {
	case up.bytes > limit:
		return &apiError{
			status: http.StatusRequestEntityTooLarge, Type: "invalid_request_error",
			Message: fmt.Sprintf("The file is larger than %d bytes.", limit),
		}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return invalid("", "", "The upload ends early.")
	case err != nil:
		return fmt.Errorf("simulator: store upload: %w", err)
	}
	return nil
}

var purposes = []string{"assistants", "batch", "fine-tune", "vision", "user_data", "evals"}

// check returns when the file expires, or what is wrong with the upload.
func (up upload) check(now time.Time) (expires time.Time, err error) {
	switch {
	case !up.hasFile:
		return expires, invalid("", "", "'file' is a required property")
	case up.purpose == "":
		return expires, invalid("", "", "'purpose' is a required property")
	case !slices.Contains(purposes, up.purpose):
		return expires, invalid("", "purpose", "'%s' is not one of %q", up.purpose, purposes)
	case up.purpose == "batch" && !up.looksLikeJSONL():
		return expires, invalid("", "", "Invalid file format for Batch API. Must be .jsonl")
	}
	if up.anchor != "" || up.seconds != "" {
		seconds, err := strconv.ParseInt(up.seconds, 10, 64)
		if err != nil {
			seconds = 0
		}
		keep, err := expiry("expires_after", up.anchor, seconds)
		return now.Add(keep), err
	}
	if up.purpose == "batch" {
		expires = now.Add(defaultKeep)
	}
	return expires, nil
}

// defaultKeep is how long batch files live unless the client says otherwise.
const defaultKeep = 30 * 24 * time.Hour

// looksLikeJSONL is all that is asked of a file when it is uploaded; what is
// wrong with its lines is found when a batch is validated. The content decides,
// because bytes that are uploaded without a name have one such as "upload". A
// file without any text passes if it is named .jsonl, because a batch has an
// error for it.
func (up upload) looksLikeJSONL() bool {
	if len(up.begin) == 0 {
		return strings.HasSuffix(up.name, ".jsonl")
	}
	return up.begin[0] == '{'
}

// expiry checks an expiration policy, which runs from 1 hour to 30 days.
func expiry(param, anchor string, seconds int64) (time.Duration, error) {
	if anchor != "created_at" {
		return 0, invalid("invalid_value", param+".anchor", "Invalid value: '%s'. Supported values are: 'created_at'.", anchor)
	}
	if seconds < 3600 || seconds > 2_592_000 {
		return 0, invalid("invalid_value", param+".seconds", "Invalid value for '%s.seconds': must be between 3600 and 2592000.", param)
	}
	return time.Duration(seconds) * time.Second, nil
}
