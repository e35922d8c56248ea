package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Document is a file of a directory.
type Document struct {
	ID   string `json:"id"`             // its path in the directory, with slashes
	Path string `json:"path"`           // to open it by
	Name string `json:"name"`           // without directories
	Type string `json:"type"`           // what its content looks like, such as "text/plain; charset=utf-8"
	Text string `json:"text,omitempty"` // without byte order mark; "" if it is no text, such as an image or a PDF file
}

// maxDocument is the largest text in bytes.
const maxDocument = MaxRow / 4 // as JSON it may grow

// Documents yields the files of a directory and of those below it, in the order
// of their names. Files and directories whose names begin with a dot are left
// out, and so are empty files. A text that is not UTF-8 is an *Error.
func Documents(dir string) *Directory[Document] {
	return &Directory[Document]{dir: dir, decode: func(d Document) (Document, error) { return d, nil }}
}

// DocumentRows yields them as Documents does, as rows with the fields of a
// Document.
func DocumentRows(dir string) *Directory[Row] {
	d := &Directory[Row]{dir: dir}
	d.decode = func(doc Document) (Row, error) {
		text, err := json.Marshal(doc)
		return Row{File: doc.Path, Line: 1, JSON: text, ID: doc.ID}, err
	}
	return d
}

// Growing says that files may be added between two starts of a job (see
// Job.Append), and returns d. Then all files are read again, and the job
// recognizes those that it has by their keys. So it refuses a file that was
// changed, and does not notice one that is gone. There may be no files yet.
func (d *Directory[T]) Growing() *Directory[T] {
	d.growing = true
	return d
}

// Directory is the source that Documents and DocumentRows return. It resumes
// only if the directory has the same files. It is not safe for concurrent use.
type Directory[T any] struct {
	dir    string
	decode func(Document) (T, error)

	growing bool

	text   string // of the last Resume
	from   int    // files before it
	n      int    // of the file yielded last
	now    string // its path
	digest string // of what the directory has
}

// directoryCheckpoint is a place between two files.
type directoryCheckpoint struct {
	Read   int    `json:"read"` // files before it
	Digest string `json:"digest"`
}

// Items yields the documents.
func (d *Directory[T]) Items() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		d.n = d.from
		paths, digest, err := d.list()
		switch {
		case err != nil:
			yield(none, d.refuse("", err))
			return
		case len(paths) == 0 && !d.growing:
			yield(none, d.refuse("", errors.New("the directory has no files")))
			return
		case d.text != "" && digest != d.digest:
			yield(none, d.refuse("", errDirChanged))
			return
		}
		d.digest = digest
		for d.n < len(paths) {
			d.n++
			d.now = filepath.Join(d.dir, filepath.FromSlash(paths[d.n-1]))
			var item T
			doc, err := d.read(paths[d.n-1])
			if err == nil {
				item, err = d.decode(doc)
			}
			if err != nil {
				yield(none, d.refuse(paths[d.n-1], err))
				return
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

var errDirChanged = errors.New("the files of the directory have changed since they were read: put them back, or begin anew under another name")

func (d *Directory[T]) refuse(name string, err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err // the path is said already
	}
	return &Error{File: filepath.Join(d.dir, filepath.FromSlash(name)), Err: err}
}

// list returns the paths of the files, and a digest of them with their sizes
// and times.
func (d *Directory[T]) list() (paths []string, digest string, err error) {
	root, err := os.OpenRoot(d.dir)
	if err != nil {
		return nil, "", err
	}
	defer root.Close()
	h := sha256.New()
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			return &Error{File: filepath.Join(d.dir, name), Err: errors.New("not a regular file: move it away")}
		}
		if !utf8.ValidString(name) {
			return fmt.Errorf("the name %q is not valid UTF-8: rename the file", name)
		}
		info, err := entry.Info()
		if err != nil || info.Size() == 0 {
			return err
		}
		_, _ = fmt.Fprintln(h, len(name), name, info.Size(), info.ModTime().UnixNano()) // a hash never fails
		paths = append(paths, name)
		return nil
	})
	return paths, hex.EncodeToString(h.Sum(nil)[:16]), err
}

// read reads a file. What looks like a text must be one.
func (d *Directory[T]) read(name string) (doc Document, err error) {
	doc = Document{ID: name, Path: filepath.Join(d.dir, filepath.FromSlash(name)), Name: path.Base(name)}
	file, err := os.Open(doc.Path)
	if err != nil {
		return doc, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return doc, err
	}
	head := make([]byte, 512)
	n, err := file.ReadAt(head, 0)
	if n == 0 {
		return doc, err
	}
	doc.Type = http.DetectContentType(head[:n])
	if !strings.HasPrefix(doc.Type, "text/") {
		return doc, nil
	}
	if info.Size() > maxDocument {
		return doc, fmt.Errorf("the text has %d bytes: at most %d", info.Size(), maxDocument)
	}
	content := make([]byte, info.Size())
	if _, err := file.ReadAt(content, 0); err != nil {
		return doc, err
	}
	content = bytes.TrimPrefix(content, []byte(bom))
	if !utf8.Valid(content) {
		return doc, fmt.Errorf("byte %d: not valid UTF-8: save the file as UTF-8", invalidColumn(content))
	}
	doc.Text = string(content)
	return doc, nil
}

// Position returns the path of the file yielded last, and that it is one row.
func (d *Directory[T]) Position() (name string, line int) {
	if d.now == "" {
		return d.dir, 0
	}
	return d.now, 1
}

// Checkpoint returns how many files were yielded, and what identifies all of
// them.
func (d *Directory[T]) Checkpoint() string {
	if d.growing {
		return ""
	}
	if d.digest == "" {
		return d.text
	}
	b, _ := json.Marshal(directoryCheckpoint{d.n, d.digest}) // of a number and a text
	return string(b)
}

// Resume makes Items go on after a checkpoint, or begin anew if it is "".
func (d *Directory[T]) Resume(checkpoint string) error {
	d.text, d.from, d.n, d.digest, d.now = checkpoint, 0, 0, "", ""
	if d.growing {
		d.text = ""
	}
	if d.text == "" {
		return nil
	}
	var c directoryCheckpoint
	if err := json.Unmarshal([]byte(checkpoint), &c); err != nil {
		return fmt.Errorf("source: checkpoint: %w", err)
	}
	paths, digest, err := d.list()
	if err != nil {
		return d.refuse("", err)
	}
	if digest != c.Digest || c.Read < 0 || c.Read > len(paths) {
		return d.refuse("", errDirChanged)
	}
	d.from, d.n, d.digest = c.Read, c.Read, c.Digest
	return nil
}
