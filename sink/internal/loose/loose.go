// Package loose reads what providers write in more than one way: a time as a
// number or a text, an ID as a number, a truth as anything.
package loose

import (
	"encoding/json"
	"errors"

	"github.com/balerhq/baler/internal/printable"
)

// maxWords bounds what is quoted of a provider, in bytes.
const maxWords = 4 << 10

// Words makes a text of a provider fit to be printed. What is sent back to it,
// such as the name of a batch, stays as it is.
func Words(s string) string { return printable.Line(s, maxWords) }

// Text is a value that is a string, or a number as it stands; "" for any other.
func Text(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	var n json.Number
	_ = json.Unmarshal(v, &n) // or it stays empty
	return n.String()
}

// AsWritten is the text of a string, and any other value as it is written.
func AsWritten(v []byte) string {
	var s string
	if len(v) == 0 || json.Unmarshal(v, &s) != nil {
		s = string(v)
	}
	return s
}

// Members decodes an object as far as it can: a member of another type than it
// should be is as good as none. The id may be a number, or missing.
func Members(object []byte, into any, id *string) error {
	err := json.Unmarshal(object, into)
	if _, odd := errors.AsType[*json.UnmarshalTypeError](err); !odd {
		return err
	}
	if *id == "" {
		var only struct {
			ID json.RawMessage `json:"id"`
		}
		_ = json.Unmarshal(object, &only) // it may be no object at all
		*id = Text(only.ID)
	}
	return nil
}

// Truth reports whether a value says yes, in whatever way.
func Truth(v json.RawMessage) bool {
	switch string(v) {
	case "", "null", "false", "0", `""`, `"false"`, `"False"`, `"0"`:
		return false
	}
	return true
}

// Number is a count that is a number, or a text with one, as protobuf writes
// those of 64 bits. What is neither is none.
type Number int64

// UnmarshalJSON implements json.Unmarshaler. It never fails.
func (n *Number) UnmarshalJSON(b []byte) error {
	*n = 0
	var text json.Number         // takes both
	_ = json.Unmarshal(b, &text) // or it stays empty, which is no number
	if whole, err := text.Int64(); err == nil {
		*n = Number(whole)
	} else if float, err := text.Float64(); err == nil && float > -1<<53 && float < 1<<53 {
		*n = Number(float)
	}
	return nil
}
