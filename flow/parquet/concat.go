package parquet

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"iter"

	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/internal/fileprint"
)

// Concat yields the rows of several files, one file after the other. A file
// without rows is left out. It resumes only if the files are the same, in the
// same order. Rows are numbered within their file: let Job.Lineage keep where
// an item comes from, and see Place if ids are unique within a file only. There
// must be at least one file.
func Concat[T any](files ...*File[T]) *Files[T] {
	for _, f := range files {
		f.mayBeEmpty = true
	}
	return &Files[T]{files: files}
}

// Files is the source that Concat returns. It is not safe for concurrent use.
type Files[T any] struct {
	files  []*File[T]
	text   string // of the last Resume
	from   int    // the file that it names
	now    int    // the file of the row yielded last
	before string // see chain; of all names, and of the files before now
	begun  bool   // a row was yielded
}

// filesCheckpoint is a place in one of several files.
type filesCheckpoint struct {
	Read   int             `json:"read"` // files before it
	Before string          `json:"before"`
	In     json.RawMessage `json:"in"` // the checkpoint of the file
}

// PassesBadRows reports that Items goes on after an error of a row, so that a
// job with Rejects can leave it out.
func (s *Files[T]) PassesBadRows() bool { return true }

// Items yields the items of each file, from the start or after the last Resume.
// Errors are those of File.Items; one that is not about the values of a row ends
// the sequence.
func (s *Files[T]) Items() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if s.now = s.from; s.text == "" {
			s.before = s.names()
		}
		for {
			for item, err := range s.files[s.now].Items() {
				s.begun = true
				if !yield(item, err) || err != nil && !isRow(err) {
					return
				}
			}
			if s.now+1 == len(s.files) {
				break
			}
			s.before = chain(s.before, s.files[s.now].suffix)
			s.now++
			_ = s.files[s.now].Resume("") // from its start
		}
		if !s.begun && s.text == "" {
			var none T
			yield(none, errors.New("parquet: the files have no rows"))
		}
	}
}

// isRow reports whether an error is that of a row after which there may be
// others.
func isRow(err error) bool {
	e, ok := errors.AsType[*source.Error](err)
	return ok && e.Raw != nil
}

// Position is the Position of the file of the row yielded last.
func (s *Files[T]) Position() (name string, row int) { return s.files[s.now].Position() }

// Checkpoint is the place after the row yielded last: in one of the files, with
// a digest that identifies the others.
func (s *Files[T]) Checkpoint() string {
	if !s.begun {
		return s.text
	}
	b, _ := json.Marshal(filesCheckpoint{s.now, s.before, json.RawMessage(s.files[s.now].Checkpoint())}) // of what is JSON already
	return string(b)
}

// Resume makes Items go on after a checkpoint, or begin anew if it is "". It
// fails if the files are others, or one that was read has changed since.
func (s *Files[T]) Resume(checkpoint string) error {
	s.text, s.from, s.now, s.begun = checkpoint, 0, 0, false
	if checkpoint == "" {
		return s.files[0].Resume("")
	}
	var c filesCheckpoint
	if json.Unmarshal([]byte(checkpoint), &c) != nil || c.In == nil {
		return s.files[0].refuse(0, errors.New("the place was kept by a source of one file, not of several or of one that grows: begin anew under another name, as one that grows from its first start on"))
	}
	if c.Read < 0 || c.Read >= len(s.files) {
		return errFilesChanged
	}
	s.before = s.names()
	for _, f := range s.files[:c.Read] {
		suffix, err := f.print()
		if err != nil {
			return err
		}
		s.before = chain(s.before, suffix)
	}
	if s.before != c.Before {
		return errFilesChanged
	}
	s.from, s.now = c.Read, c.Read
	return s.files[c.Read].Resume(string(c.In))
}

var errFilesChanged = errors.New("parquet: the list of files, or a file that was read, has changed: " +
	"name the same files in the same order, or begin anew under another name")

// names returns a digest of the names of all files.
func (s *Files[T]) names() (digest string) {
	for _, f := range s.files {
		digest = chain(digest, f.path)
	}
	return digest
}

// chain returns a digest of what a digest stands for and of what follows.
func chain(digest, next string) string {
	sum := sha256.Sum256([]byte(digest + "\n" + next))
	return hex.EncodeToString(sum[:16])
}

// print identifies the file as it is now, as its checkpoints do.
func (f *File[T]) print() (suffix string, err error) {
	file, err := fileprint.Open(f.path)
	if err != nil {
		return "", f.refuse(0, err)
	}
	defer file.Close()
	p, err := fileprint.OfTail(file)
	if err == nil {
		suffix, err = p.Suffix()
	}
	if err != nil {
		return "", f.refuse(0, err)
	}
	return suffix, nil
}
