package jobdir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/balerhq/baler/internal/segment"
)

// FileFormat is the version of all files of a job but its journal.
const FileFormat = 3

// FileKind is the kind of a job's file.
type FileKind string

// The kinds of files.
const (
	manifestKind FileKind = "manifest"
	ResultsKind  FileKind = "results"
	AnswersKind  FileKind = "answers"
	requestsKind FileKind = "requests"
	readyKind    FileKind = "ready"
	rawKind      FileKind = "raw"
	SeenKind     FileKind = "seen"
)

// Label is the first record of each file of a job: the kind of file, the job,
// and which file it is. It is compared as a whole, so that no other file is
// taken for it.
type Label struct {
	Format int      `json:"format"`
	Kind   FileKind `json:"kind"`
	Job    string   `json:"job"`             // Meta.ID
	Tag    string   `json:"tag,omitempty"`   // of a batch
	Level  *uint8   `json:"level,omitempty"` // of the ready log
	File   uint32   `json:"file,omitempty"`  // of a log
}

func (l Label) encode() []byte {
	b, err := json.Marshal(l)
	if err != nil {
		panic(err) // it holds nothing that cannot be encoded
	}
	return b
}

// check returns how the first record of a file differs. A record that is not a
// label is not quoted, because it may be a user's data.
func (l Label) check(first []byte) error {
	if bytes.Equal(first, l.encode()) {
		return nil
	}
	var got Label
	switch err := json.Unmarshal(first, &got); {
	case l.Job == "" && err == nil && got.is(l):
		return nil
	case err != nil || got.Kind == "":
		return fmt.Errorf("%w: it does not begin with a label: it is damaged, or another version wrote it", segment.ErrDamaged)
	case got.Format != l.Format:
		return fmt.Errorf("%w: it has format %d and this program reads %d: finish the job with the version that began it",
			segment.ErrDamaged, got.Format, l.Format)
	case l.Job != "" && got.Job != l.Job:
		return fmt.Errorf("%w: it belongs to another job", segment.ErrDamaged)
	}
	return fmt.Errorf("%w: it is %s", segment.ErrDamaged, got.describe())
}

// is reports whether everything except the job is equal.
func (l Label) is(other Label) bool {
	l.Job = other.Job
	return bytes.Equal(l.encode(), other.encode())
}

func (l Label) describe() string {
	switch {
	case l.Tag != "":
		return fmt.Sprintf("the %s file of batch %.20q", l.Kind, l.Tag)
	case l.Level != nil:
		return fmt.Sprintf("file %d of level %d of the ready log", l.File, *l.Level)
	}
	return fmt.Sprintf("file %d of %.20q", l.File, l.Kind)
}

// LabelOf returns the label of a file of a batch.
func (a *Dir) LabelOf(kind FileKind, tag string) Label {
	return Label{Format: FileFormat, Kind: kind, Job: a.ID, Tag: tag}
}

// RequestsLabel returns the labels of the request log's files.
func (a *Dir) RequestsLabel() segment.Label { return logLabel(requestsKind, a.ID, nil) }

// ReadyLabel returns the labels of the files of one level of the ready log.
func (a *Dir) ReadyLabel(level uint8) segment.Label { return logLabel(readyKind, a.ID, &level) }

func logLabel(kind FileKind, job string, level *uint8) segment.Label {
	return func(file uint32) []byte {
		return Label{Format: FileFormat, Kind: kind, Job: job, Level: level, File: file}.encode()
	}
}

// errNoEnd means that a file is cut, although each of its records is intact.
var errNoEnd = errors.New("its end is missing")
