package source

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/balerhq/baler/internal/fileprint"
)

// maxRaw limits a row that cannot be used and after which reading goes on, in
// bytes. A quote that is not closed makes larger ones.
const maxRaw = 1 << 20

// castagnoli is the table of the sums in checkpoints, which processors know.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// tape keeps what is read of a content until it is cut off.
type tape struct {
	content io.ReadSeeker
	buf     bytes.Buffer
	at      int64 // the place of the first byte in buf
}

func (t *tape) Read(p []byte) (int, error) {
	n, err := t.content.Read(p)
	t.buf.Write(p[:n])
	return n, err
}

// Seek goes to a place that is counted from the start.
func (t *tape) Seek(offset int64, whence int) (int64, error) {
	t.buf.Reset()
	t.at = offset
	return t.content.Seek(offset, whence)
}

// cut returns the bytes up to a place and forgets them. They are valid until
// the next Read.
func (t *tape) cut(until int64) []byte {
	b := t.buf.Next(int(until - t.at))
	t.at = until
	return b
}

// Growing says that rows may be added at the end of the file between two starts
// of a job (see Job.Append), and returns f. Then Resume takes a file of which
// only that differs, and makes sure that all before its place is as it was: it
// reads that again. The file may grow while it is read; what comes then is left
// for the next time. It may have no rows yet.
//
// A last line without an end counts as a row. If it goes on the next time, the
// file is refused.
func (f *File[T]) Growing() *File[T] {
	f.growing, f.mayBeEmpty = true, true
	return f
}

var (
	errEdited = errors.New("the file was changed before the place up to which it was read: rows may only be added at its end; " +
		"put it back, or begin anew under another name")
	errLineWentOn = errors.New("the last line went on after it was read as a row: put it back, or begin anew under another name")
)

// resumeGrown finds the place of a checkpoint in a file that may have grown.
// One that was made when the file was not to grow says too little: then all
// rows come again.
func (f *File[T]) resumeGrown(c *checkpoint, now fileprint.Print, content io.ReadSeeker) (known bool, err error) {
	if c.Sum == "" && !now.Equal(c.File) {
		return false, nil
	}
	h := crc32.New(castagnoli)
	last := []byte{'\n'}
	if c.Offset > 0 {
		if _, err := io.CopyN(h, content, c.Offset-1); err != nil {
			return false, errEdited
		}
		if _, err := io.ReadFull(content, last); err != nil {
			return false, errEdited
		}
		_, _ = h.Write(last) // a hash never fails
	}
	f.sum = h.Sum32()
	if c.Sum != "" && c.Sum != sumText(f.sum) {
		return false, errEdited
	}
	next := make([]byte, 1)
	if n, _ := io.ReadFull(content, next); n > 0 && !endsLine(last[0]) && !endsLine(next[0]) {
		return false, errLineWentOn
	}
	return true, nil
}

func endsLine(b byte) bool { return b == '\n' || b == '\r' }

func sumText(sum uint32) string { return fmt.Sprintf("%08x", sum) }
