package parquet

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/balerhq/baler/internal/fileprint"
)

type checkpoint struct {
	Row  int64           `json:"row"` // rows before it
	File fileprint.Print `json:"file"`
}

// Checkpoint is the number of the row yielded last, and the identity of the
// file: about 200 bytes of JSON. Before the first row it is what Resume got.
func (f *File[T]) Checkpoint() string {
	if f.suffix == "" {
		return f.text
	}
	return `{"row":` + strconv.FormatInt(f.row, 10) + f.suffix
}

// Resume makes Items go on after a checkpoint, or begin anew if it is "". It
// fails with a *source.Error if the file is not there or has changed since. No
// row before the checkpoint is decoded.
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
		return c, fmt.Errorf("parquet: checkpoint: %w", err)
	}
	file, err := fileprint.Open(f.path)
	if err != nil {
		return c, f.refuse(0, err)
	}
	defer file.Close()
	switch now, err := fileprint.OfTail(file); {
	case err != nil:
		return c, f.refuse(0, err)
	case !now.Equal(c.File):
		return c, f.refuse(0, fileprint.ErrChanged)
	case c.Row < 0:
		return c, f.refuse(0, errors.New("the checkpoint is not within the file"))
	}
	return c, nil
}
