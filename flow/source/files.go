package source

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"iter"

	"github.com/balerhq/baler/internal/fileprint"
)

// Concat yields the rows of several files, one file after the other. A file
// without rows is left out. It resumes only if the files are the same, in the
// same order. Lines are those within their file: let Job.Lineage keep where an
// item comes from. There must be at least one file.
func Concat[T any](files ...*File[T]) *Files[T] {
	for _, f := range files {
		f.mayBeEmpty = true
	}
	return &Files[T]{files: files}
}

// Growing says that rows may be added to the last file, and files after it,
// between two starts of a job (see Job.Append), and returns s. If anything else
// has changed, another file that grew or one that comes earlier, or if the
// source was another one of a single file that did not grow, all rows come
// again, and the job recognizes those that it has by their keys. So it refuses
// a row that asks for something else, and does not notice one that is gone.
func (s *Files[T]) Growing() *Files[T] {
	s.growing = true
	for _, f := range s.files {
		f.Growing()
	}
	return s
}

// Files is the source that Concat returns. It is not safe for concurrent use.
type Files[T any] struct {
	files   []*File[T]
	growing bool
	text    string // of the last Resume
	from    int    // the file that it names
	now     int    // the file of the row yielded last
	before  string // see chain; of the files before now
	begun   bool   // a row was yielded
}

// filesCheckpoint is a place in one of several files.
type filesCheckpoint struct {
	Read   int             `json:"read"` // files before it
	Before string          `json:"before"`
	File   string          `json:"file"`
	In     json.RawMessage `json:"in"` // the checkpoint of the file
}

// PassesBadRows reports that Items goes on after an error of a row.
func (s *Files[T]) PassesBadRows() bool { return true }

// Items yields the items of each file. An error that is not one of a row ends
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
			s.before = chain(s.before, s.files[s.now].path+s.files[s.now].suffix)
			s.now++
			_ = s.files[s.now].Resume("") // from its start
		}
		if !s.begun && s.text == "" && !s.growing {
			var none T
			yield(none, errors.New("source: the files have no rows"))
		}
	}
}

// isRow reports whether an error is that of a row after which there may be
// others.
func isRow(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Raw != nil
}

// Position returns the path of the file and the line of the item yielded last.
func (s *Files[T]) Position() (name string, line int) { return s.files[s.now].Position() }

// Checkpoint returns the position after the item yielded last: in one of the
// files, with a digest that identifies the others.
func (s *Files[T]) Checkpoint() string {
	if !s.begun {
		return s.text
	}
	f := s.files[s.now]
	b, _ := json.Marshal(filesCheckpoint{s.now, s.before, f.path, json.RawMessage(f.Checkpoint())}) // of what is JSON already
	return string(b)
}

// Resume makes Items go on after a checkpoint, or begin anew if it is "".
func (s *Files[T]) Resume(checkpoint string) error {
	s.text, s.from, s.now, s.begun = checkpoint, 0, 0, false
	if checkpoint == "" {
		return s.files[0].Resume("")
	}
	var c filesCheckpoint
	if json.Unmarshal([]byte(checkpoint), &c) != nil || c.In == nil {
		return s.resumeOne(checkpoint)
	}
	if c.Read < 0 || c.Read >= len(s.files) {
		return s.changed()
	}
	s.before = s.names()
	for _, f := range s.files[:c.Read] {
		suffix, err := f.print()
		if err != nil {
			return err
		}
		s.before = chain(s.before, f.path+suffix)
	}
	if s.before != c.Before || s.files[c.Read].path != c.File {
		return s.changed()
	}
	s.from, s.now = c.Read, c.Read
	return s.files[c.Read].Resume(string(c.In))
}

// resumeOne takes a checkpoint of a source of one file, which says nothing of
// the name. If the first file is that one, and unchanged, its rows are known.
// Otherwise all rows come again.
func (s *Files[T]) resumeOne(checkpoint string) error {
	if !s.growing {
		return s.files[0].refuse(0, errors.New("the place was kept by a source of one file, not of several: begin anew under another name"))
	}
	return s.files[0].Resume(checkpoint)
}

// changed refuses files, or begins anew with those that grow.
func (s *Files[T]) changed() error {
	if !s.growing {
		return errFilesChanged
	}
	return s.Resume("")
}

var errFilesChanged = errors.New("source: the list of files, or a file that was read, has changed: " +
	"name the same files in the same order, or begin anew under another name")

// names returns a digest of the names of all files. Those that grow are named
// one by one, as they are read.
func (s *Files[T]) names() (digest string) {
	if s.growing {
		return ""
	}
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
	p, err := fileprint.OfHead(file)
	if err == nil {
		suffix, err = p.Suffix()
	}
	if err != nil {
		return "", f.refuse(0, err)
	}
	return suffix, nil
}
