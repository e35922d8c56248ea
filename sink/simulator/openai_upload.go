package simulator

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// upload is what the parts of an upload say. They may come in any order.
type upload struct {
	purpose, anchor, seconds string
	name                     string
	bytes                    int64
	begin                    []byte // the first bytes that are not space
	hasFile                  bool
}

func (s *Simulator) uploadFile(r *http.Request, owner string) (any, error) {
	// The multipart reader asks for a few KB at a time.
	r.Body = struct {
		io.Reader
		io.Closer
	}{bufio.NewReaderSize(r.Body, 64<<10), r.Body}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, invalid("", "", "The upload is not multipart/form-data: %v", err)
	}
	id := newID("file-")
	path := s.contentPath(id)
	up, err := s.receive(parts, path+partSuffix)
	var expires time.Time
	if err == nil {
		expires, err = up.check(s.clock.now())
	}
	if err == nil {
		err = os.Rename(path+partSuffix, path)
	}
	if err != nil {
		_ = os.Remove(path + partSuffix) // it may not even be there
		return nil, err
	}
	f, err := s.files.add(func(seq int) file {
		return file{
			identity: identity{ID: id, Owner: owner, Seq: seq, Created: s.clock.now()},
			Name:     up.name, Purpose: up.purpose, Bytes: up.bytes, Expires: expires,
		}
	})
	return f.object(), err
}

// receive reads the parts and streams the file among them to path.
func (s *Simulator) receive(parts *multipart.Reader, path string) (up upload, err error) {
	fields := map[string]*string{
		"purpose": &up.purpose, "expires_after[anchor]": &up.anchor, "expires_after[seconds]": &up.seconds,
	}
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return up, nil
		}
		if err != nil {
			return up, invalid("", "", "The upload cannot be read: %v", err)
		}
		field, known := fields[part.FormName()]
		switch {
		case part.FormName() == "file":
			err = s.receiveFile(part, path, &up)
		case known:
			*field, err = readField(part)
		default:
			err = invalid("unknown_parameter", part.FormName(), "Unknown parameter: '%s'.", part.FormName())
		}
		if err != nil {
			return up, err
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

func (s *Simulator) receiveFile(part *multipart.Part, path string, up *upload) error {
	if up.hasFile {
		return invalid("", "file", "The upload holds more than one file.")
	}
	up.hasFile, up.name = true, part.FileName()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("simulator: store upload: %w", err)
	}
	limit := s.cfg.Limits.UploadBytes
	in := bufio.NewReaderSize(io.LimitReader(part, limit+1), 64<<10)
	begin, _ := in.Peek(256)
	up.begin = bytes.Clone(bytes.TrimLeft(begin, blank))
	up.bytes, err = io.Copy(f, in)
	if closed := f.Close(); closed != nil {
		return fmt.Errorf("simulator: store upload: %w", closed)
	}
	switch {
	case up.bytes > limit:
		return &apiError{
			status: http.StatusRequestEntityTooLarge, Type: "invalid_request_error",
			Message: fmt.Sprintf("The file is larger than %d bytes.", limit),
		}
	case err != nil && errors.Is(err, io.ErrUnexpectedEOF):
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

// looksLikeJSONL is all that is asked of a file when it is uploaded; what is
// wrong with its lines is found when a batch is validated. A file without any
// text passes, because a batch has an error for it.
func (up upload) looksLikeJSONL() bool {
	return strings.HasSuffix(up.name, ".jsonl") && (len(up.begin) == 0 || up.begin[0] == '{')
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
