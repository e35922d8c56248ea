package scan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Extract reads one JSON object from r, which may be much larger than memory.
// It calls visit with each element of the array at the path, which is valid
// until the next one, and returns the rest of the object, with an empty array
// in that place. A name in the path may be several, as in "a|b". An error of
// visit is returned as it is, and so is one of r.
func Extract(r io.Reader, visit func(element []byte) error, path ...string) (rest []byte, err error) {
	d := json.NewDecoder(r)
	d.UseNumber()
	x := extraction{Decoder: d, visit: visit}
	if err := x.member(path, false); err != nil {
		return nil, early(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("there is more after the object, at byte %d", d.InputOffset())
	}
	return x.rest.Bytes(), nil
}

func early(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// An extraction copies a document, but for the array that it visits.
type extraction struct {
	*json.Decoder
	visit   func([]byte) error
	rest    bytes.Buffer
	element json.RawMessage
}

// member copies the next value, or visits it if the path ends here.
func (x *extraction) member(path []string, inside bool) error {
	token, err := x.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return x.object(path)
	case json.Delim('['):
		if inside && len(path) == 0 {
			return x.array()
		}
		return fmt.Errorf("an array is where an object belongs, at byte %d", x.InputOffset())
	}
	if !inside {
		return errors.New("it is no object")
	}
	text, err := json.Marshal(token)
	x.rest.Write(text)
	return err
}

// object copies an object whose opening brace was read.
func (x *extraction) object(path []string) error {
	x.rest.WriteByte('{')
	for first := true; x.More(); first = false {
		token, err := x.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		if !first {
			x.rest.WriteByte(',')
		}
		x.rest.Write(AppendString(nil, key))
		x.rest.WriteByte(':')
		if len(path) > 0 && slices.Contains(strings.Split(path[0], "|"), key) {
			err = x.member(path[1:], true)
		} else {
			err = x.copy()
		}
		if err != nil {
			return err
		}
	}
	x.rest.WriteByte('}')
	_, err := x.Token()
	return err
}

func (x *extraction) copy() error {
	var value json.RawMessage
	err := x.Decode(&value)
	x.rest.Write(value)
	return err
}

// array visits the elements of an array whose opening bracket was read.
func (x *extraction) array() error {
	for x.More() {
		if err := x.Decode(&x.element); err != nil {
			return err
		}
		if err := x.visit(x.element); err != nil {
			return err
		}
	}
	x.rest.WriteString("[]")
	_, err := x.Token()
	return err
}
