package jobdir

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/sink/llm"
)

// FileCheck finds out whether the files that requests refer to are there as
// they were kept. Each is read once.
type FileCheck struct {
	dir  *Dir
	log  OpenFile
	done map[string]bool // by digest
}

// CheckFiles returns a FileCheck of the directory, which the caller closes.
func (a *Dir) CheckFiles() *FileCheck { return &FileCheck{dir: a, done: make(map[string]bool)} }

// Close closes what is open.
func (c *FileCheck) Close() { c.log.Close() }

// Row returns what is wrong with the files of a row that no earlier row has
// had. An error says what to do.
func (c *FileCheck) Row(e *Entry) (all []error) {
	if e.Extra().FileBytes == 0 {
		return nil
	}
	record, err := c.log.ReadRequest(c.dir, e.Ref)
	if err != nil {
		return []error{c.dir.Damaged(RequestFile(e.Ref.File), err)}
	}
	request, err := e.Request(record)
	if err != nil {
		return []error{c.dir.Damaged(RequestFile(e.Ref.File), err)}
	}
	for _, file := range KeptFiles(request.Chat) {
		if c.done[file.Kept] {
			continue
		}
		c.done[file.Kept] = true
		if err := c.dir.checkFile(file, e); err != nil {
			all = append(all, err)
		}
	}
	return all
}

// KeptFiles returns the files of a chat that are kept apart from it.
func KeptFiles(chat *llm.Chat) (all []*llm.File) {
	if chat == nil {
		return nil
	}
	for i := range chat.Messages {
		for _, p := range chat.Messages[i].Parts {
			for _, file := range []*llm.File{p.Image, p.Document} {
				if file != nil && file.Kept != "" {
					all = append(all, file)
				}
			}
		}
	}
	return all
}

// checkFile compares a file with its digest.
func (a *Dir) checkFile(file *llm.File, e *Entry) error {
	name, err := FileName(file.Kept)
	if err != nil {
		return a.Damaged(RequestFile(e.Ref.File), err)
	}
	f, err := a.Root.Open(name)
	what := "is lost"
	if err == nil {
		defer f.Close()
		sum := sha256.New()
		if _, err = io.Copy(sum, f); err == nil && hex.EncodeToString(sum.Sum(nil)) == file.Kept {
			return nil
		}
		what = "is not as it was kept"
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return a.Damaged(name, err)
	}
	return a.Damaged(name, fmt.Errorf("%w: a file of line %d %s: copy the original, whose SHA-256 is the name, to this place", segment.ErrDamaged, e.Line, what))
}
