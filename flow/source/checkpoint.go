package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// position is a place between two rows.
type position struct {
	Offset int64 `json:"offset"`
	Line   int   `json:"line"` // lines before it
}

type checkpoint struct {
	position
	File fingerprint `json:"file"`
}

// Checkpoint is the position after the item yielded last, and the identity of
// the file: about 200 bytes of JSON. Before the first item it is what Resume
// got. It costs one allocation.
func (f *File[T]) Checkpoint() string {
	if f.suffix == "" {
		return f.text
	}
	var buf [64]byte
	b := append(buf[:0], `{"offset":`...)
	b = strconv.AppendInt(b, f.at.Offset, 10)
	b = append(b, `,"line":`...)
	b = strconv.AppendInt(b, int64(f.at.Line), 10)
	return string(b) + f.suffix
}

// Resume makes Items go on after a checkpoint, or begin anew if it is "". It
// fails with an *Error if the file is not there or has changed since.
func (f *File[T]) Resume(text string) error {
	var c checkpoint
	if text != "" {
		var err error
		if c, err = f.parse(text); err != nil {
			return err
		}
	}
	f.text, f.resumed, f.suffix = text, c, ""
	return nil
}

func (f *File[T]) parse(text string) (c checkpoint, err error) {
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return c, fmt.Errorf("source: checkpoint: %w", err)
	}
	file, err := openRegular(f.path)
	if err != nil {
		return c, f.refuse(0, err)
	}
	defer file.Close()
	now, err := printOf(file)
	switch {
	case err != nil:
		return c, f.refuse(0, err)
	case !now.equal(c.File):
		return c, f.refuse(0, errChanged)
	case c.Offset < 0 || c.Offset > now.Size || c.Line < 0:
		return c, f.refuse(0, errors.New("the checkpoint is not within the file"))
	}
	return c, nil
}
