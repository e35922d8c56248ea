package batchapi

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/balerhq/baler/internal/atomicfile"
)

// upload is what the parts of an upload say. They may come in any order.
type upload struct {
	file
	anchor, seconds string
	hasFile         bool
}

// uploadFile takes a file, whose content goes to the disk as it comes.
func (s *Server) uploadFile(c *call) error {
	s.sweep() // room is wanted
	parts, err := c.r.MultipartReader()
	if err != nil {
		return invalid("", "", "The upload is not multipart/form-data: %v", err)
	}
	u := upload{file: file{ID: newID("file-"), Owner: c.owner, Created: time.Now()}}
	err = u.receive(s, parts)
	if err == nil {
		err = u.check(s.cfg.Keep)
	}
	if err == nil {
		err = s.addFile(u.file)
	}
	if err != nil {
		return errors.Join(err, s.drop(content(u.ID)))
	}
	writeJSON(c.w, http.StatusOK, u.object())
	return nil
}

func (u *upload) receive(s *Server, parts *multipart.Reader) error {
	fields := map[string]*string{"purpose": &u.Purpose, "expires_after[anchor]": &u.anchor, "expires_after[seconds]": &u.seconds}
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
		case part.FormName() == "file" && u.hasFile:
			return invalid("", "file", "The upload holds more than one file.")
		case part.FormName() == "file":
			u.hasFile, u.Name = true, part.FileName()
			if u.Bytes, err = s.receive(u.ID, part); err != nil {
				return err
			}
		case !known:
			return invalid("unknown_parameter", part.FormName(), "Unknown parameter: '%s'.", part.FormName())
		default:
			value, err := io.ReadAll(io.LimitReader(part, 1<<10))
			if err != nil {
				return invalid("", "", "The upload cannot be read: %v", err)
			}
			*field = string(value)
		}
	}
}

// receive writes the content of a file.
func (s *Server) receive(id string, in io.Reader) (n int64, err error) {
	err = atomicfile.Create(s.root, content(id), func(to *os.File) error {
		n, err = io.Copy(to, io.LimitReader(in, s.cfg.MaxUpload+1))
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			return invalid("", "", "The upload ends early.")
		case err != nil:
			return fmt.Errorf("receive an upload: %w", err)
		case n > s.cfg.MaxUpload:
			return &apiError{status: http.StatusRequestEntityTooLarge, message: fmt.Sprintf("The file is larger than %d bytes.", s.cfg.MaxUpload)}
		}
		return nil
	})
	return n, err
}

// check decides when the file expires, or what is wrong with the upload.
func (u *upload) check(keep time.Duration) error {
	switch {
	case !u.hasFile:
		return invalid("missing_required_parameter", "file", "'file' is a required property")
	case u.Purpose == "":
		return invalid("missing_required_parameter", "purpose", "'purpose' is a required property")
	case u.Purpose != purposeBatch:
		return invalid("invalid_value", "purpose", "'%s' is not a purpose that baler serves: it takes files for batches ('batch')", u.Purpose)
	}
	if u.anchor != "" || u.seconds != "" {
		var err error
		if keep, err = expiry("expires_after", u.anchor, u.seconds); err != nil {
			return err
		}
	}
	u.Expires = u.Created.Add(keep)
	return nil
}

// expiry is how long a parameter lets a file be kept.
func expiry(name, anchor, seconds string) (time.Duration, error) {
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || n < 3600 || n > 2_592_000 || anchor != "created_at" {
		return 0, invalid("invalid_value", name, "Invalid '%s': the anchor must be 'created_at', and the seconds between 3600 and 2592000.", name)
	}
	return time.Duration(n) * time.Second, nil
}
