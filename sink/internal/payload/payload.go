// Package payload writes the rows of a batch as a provider takes them, without
// holding a large batch in memory.
package payload

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/balerhq/baler/sink"
)

// Format is how a provider takes a row. A row is its head, its body as it is,
// and its tail; between two rows stands Between.
type Format struct {
	// Head appends what stands before the body.
	Head func(dst []byte, id string) []byte
	// Tail is what stands after it.
	Tail string
	// Between is "" if each row is a line.
	Between string
}

// AppendRow appends a row. Its error names the row whose body is not on one
// line.
func (f *Format) AppendRow(dst []byte, row sink.Row) ([]byte, error) {
	dst, err := f.appendHead(dst, row)
	if err != nil {
		return dst, err
	}
	return append(append(dst, row.Body...), f.Tail...), nil
}

func (f *Format) appendHead(dst []byte, row sink.Row) ([]byte, error) {
	if bytes.IndexByte(row.Body, '\n') >= 0 {
		return dst, fmt.Errorf("row %s: body is not on one line", row.ID)
	}
	return f.Head(dst, row.ID), nil
}

// AppendString quotes s, at once if it needs no escapes.
func AppendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) //nolint:errchkjson // a string cannot fail
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}
