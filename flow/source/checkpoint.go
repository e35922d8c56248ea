package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/balerhq/baler/internal/fileprint"
)

// position is a place between two rows.
type position struct {
	Offset int64 `json:"offset"`
	Line   int   `json:"line"` // lines before it
}

type checkpoint struct {
	position
	Sum  string          `json:"sum"` // of what is before it, if the file may grow
	File fileprint.Print `json:"file"`
}

// Checkpoint is the position after the item yielded last, and the identity of
// the file: about 200 bytes of JSON. Before the first item it is what Resume
// got. It costs one allocation.
func (f *File[T]) Checkpoint() string {
	if f.suffix == "" {
		return f.text
	}
	var buf [96]byte
	b := append(buf[:0], `{"offset":`...)
	b = strconv.AppendInt(b, f.at.Offset, 10)
	b = append(b, `,"line":`...)
	b = strconv.AppendInt(b, int64(f.at.Line), 10)
	if f.growing {
		sum := f.sum
		if f.at.Offset == 0 {
			sum = 0 // a header was read, and no row after it
		}
		b = append(append(append(b, `,"sum":"`...), sumText(sum)...), '"')
	}
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
	if c == (checkpoint{}) {
		text = "" // all rows come again
	}
	f.text, f.resumed, f.suffix = text, c, ""
	return nil
}

func (f *File[T]) parse(text string) (c checkpoint, err error) {
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return c, fmt.Errorf("source: checkpoint: %w", err)
	}
	file, err := fileprint.Open(f.path)
	if err != nil {
		return c, f.refuse(0, err)
	}
	defer file.Close()
	now, err := fileprint.OfHead(file)
	if err != nil {
		return c, f.refuse(0, err)
	}
	content, packed, err := unpack(file)
	if err != nil {
		return c, f.refuse(0, err)
	}
	if f.growing {
		known, err := f.resumeGrown(&c, now, content)
		if err != nil {
			return c, f.refuse(0, err)
		}
		if !known {
			c = checkpoint{}
		}
		return c, nil
	}
	switch {
	case !now.Equal(c.File):
		return c, f.refuse(0, fileprint.ErrChanged)
	case c.Offset < 0 || c.Offset > now.Size && !packed || c.Line < 0:
		return c, f.refuse(0, errOutside)
	}
	return c, nil
}

var errOutside = errors.New("the checkpoint is not within the file")
