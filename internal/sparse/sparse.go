// Package sparse lets tests copy the files of a database, most of whose bytes
// are holes: a log of some kilobytes is 128 MiB long. Reading the holes costs
// far more than what the tests are about.
package sparse

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// File is what a file holds: Data, then zeros up to its size.
type File struct {
	Data []byte
	Size int64
}

// Of returns a file of these bytes.
func Of(b []byte) File {
	return File{Data: bytes.Clone(bytes.TrimRight(b, "\x00")), Size: int64(len(b))}
}

// Read reads a file.
func Read(name string) (File, error) {
	in, err := os.Open(name)
	if err != nil {
		return File{}, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return File{}, err
	}
	data := make([]byte, dataEnd(in, info.Size()))
	if _, err := in.ReadAt(data, 0); err != nil && !errors.Is(err, io.EOF) {
		return File{}, err
	}
	return File{Data: bytes.TrimRight(data, "\x00"), Size: info.Size()}, nil
}

// Bytes returns all bytes of the file, as a copy.
func (f File) Bytes() []byte {
	b := make([]byte, f.Size)
	copy(b, f.Data)
	return b
}

// Write makes or replaces a file. Its zeros at the end take no room.
func (f File) Write(name string) error {
	return errors.Join(os.WriteFile(name, f.Data, 0o600), os.Truncate(name, f.Size))
}

// CopyDir copies a directory to one that does not exist.
func CopyDir(from, to string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			return os.Mkdir(target, 0o700)
		}
		f, err := Read(name)
		if err != nil {
			return err
		}
		return f.Write(target)
	})
}
