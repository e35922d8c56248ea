// Package fileprint tells whether an input file is still the one that it was
// when a checkpoint in it was taken.
package fileprint

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

// hashed is how many bytes of a file its Print looks at.
const hashed = 64 << 10

// Print is what a file is recognized by. A file format that begins with what it
// holds takes the Head; one that ends with it takes the Tail.
type Print struct {
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	Head     string    `json:"head,omitempty"` // SHA-256 of the first 64 KiB
	Tail     string    `json:"tail,omitempty"` // SHA-256 of the last 64 KiB
}

// These say that a file is another than it was.
var (
	ErrChanged = errors.New("the file has changed since it was read: put it back, or begin anew under another name")
	errMoving  = errors.New("the file was changed while it was read")
)

// Open opens a file that can be read again after a crash. To open any other,
// such as a named pipe, could take forever.
func Open(path string) (*os.File, error) {
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

// OfHead returns the Print of a file by its first bytes.
func OfHead(file *os.File) (p Print, err error) {
	p, err = sized(file)
	if err == nil {
		p.Head, err = sum(file, 0)
	}
	return p, err
}

// OfTail returns the Print of a file by its last bytes.
func OfTail(file *os.File) (p Print, err error) {
	p, err = sized(file)
	if err == nil {
		p.Tail, err = sum(file, max(0, p.Size-hashed))
	}
	return p, err
}

func sized(file *os.File) (p Print, err error) {
	info, err := file.Stat()
	if err != nil {
		return p, err
	}
	return Print{Size: info.Size(), Modified: info.ModTime().UTC()}, nil
}

func sum(file *os.File, from int64) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(file, from, hashed)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Equal reports whether it is the same file, unchanged.
func (p Print) Equal(q Print) bool {
	return p.Size == q.Size && p.Head == q.Head && p.Tail == q.Tail && p.Modified.Equal(q.Modified)
}

// Still fails if the file was changed while it was read. One that grows may
// have become longer.
func (p Print) Still(file *os.File, growing bool) error {
	info, err := file.Stat()
	switch {
	case err != nil:
		return err
	case info.Size() == p.Size && info.ModTime().Equal(p.Modified), growing && info.Size() > p.Size:
		return nil
	}
	return errMoving
}

// Suffix is how every checkpoint in the file ends.
func (p Print) Suffix() (string, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("encode checkpoint: %w", err) // a time out of range
	}
	return `,"file":` + string(b) + `}`, nil
}
