package source

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// fingerprint tells whether a file is still the one it was.
type fingerprint struct {
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	Head     string    `json:"head"` // SHA-256 of the first 64 KiB
}

var errChanged = errors.New("the file has changed since it was read: put it back, or begin anew under another name")

// openRegular opens a file that can be read again after a crash. To open any
// other, such as a named pipe, could take forever.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errors.New("is a directory")
	case !info.Mode().IsRegular():
		return nil, errors.New("not a regular file, and it must be read again after a crash: " +
			"write what it yields to a file first, and name that")
	}
	return os.Open(path)
}

func printOf(file *os.File) (p fingerprint, err error) {
	info, err := file.Stat()
	if err != nil {
		return p, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(file, 0, 64<<10)); err != nil {
		return p, err
	}
	return fingerprint{Size: info.Size(), Modified: info.ModTime().UTC(), Head: hex.EncodeToString(h.Sum(nil))}, nil
}

func (p fingerprint) equal(q fingerprint) bool {
	return p.Size == q.Size && p.Head == q.Head && p.Modified.Equal(q.Modified)
}

// still fails if the file was changed while it was read.
func (p fingerprint) still(file *os.File) error {
	info, err := file.Stat()
	if err == nil && (info.Size() != p.Size || !info.ModTime().Equal(p.Modified)) {
		err = errors.New("the file was changed while it was read")
	}
	return err
}

// suffix is how every checkpoint in the file ends.
func (p fingerprint) suffix() (string, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("encode checkpoint: %w", err) // a time out of range
	}
	return `,"file":` + string(b) + `}`, nil
}
