package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/internal/printable"
)

// Fields is a JSON object that is to be written.
type Fields map[string]any

// Set sets the member at a path such as "text.verbosity". It reports false, and
// sets nothing, if there is one already.
func (f Fields) Set(path string, value any) bool {
	name, rest, isNested := strings.Cut(path, ".")
	if isNested {
		inner, isFields := f[name].(Fields)
		if f[name] != nil && !isFields {
			return false
		}
		if inner == nil {
			inner = Fields{}
			f[name] = inner
		}
		return inner.Set(rest, value)
	}
	if _, isThere := f[name]; isThere {
		return false
	}
	f[name] = value
	return true
}

// SetText sets a text, unless it is empty.
func (f Fields) SetText(name, text string) {
	if text != "" {
		f[name] = text
	}
}

// InOrder is a JSON value whose members keep their order: models answer in that
// of a schema.
type InOrder jsontext.Value

// Body writes an object in canonical form, but for what is InOrder. Numbers of
// options stay as they are written.
func Body(f Fields) (json.RawMessage, error) {
	body, err := appendForm(nil, f)
	return json.RawMessage(body), err
}

func appendForm(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case Fields:
		return appendFields(dst, v)
	case InOrder:
		text := jsontext.Value(bytes.Clone(v))
		err := text.Compact()
		return append(dst, text...), err
	}
	text, err := jsonv2.Marshal(v, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil, err
	}
	form, err := canonical(text, false)
	return append(dst, form...), err
}

// appendFields appends an object. Its names are ASCII, so that their order is
// the same in UTF-8 and in UTF-16, which the canonical form goes by.
func appendFields(dst []byte, f Fields) (_ []byte, err error) {
	dst = append(dst, '{')
	for i, name := range slices.Sorted(maps.Keys(f)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, jsonText(name)...), ':')
		if dst, err = appendForm(dst, f[name]); err != nil {
			return nil, fmt.Errorf("%s: %w", printable.Line(name, maxName), err)
		}
	}
	return append(dst, '}'), nil
}

// canonical returns the form of RFC 8785, in which bodies with the same meaning
// are the same bytes. Whole numbers stay as they are, because not every reader
// takes 2^53+1 for 2^53; so do other numbers unless floats is set.
func canonical(body []byte, floats bool) (jsontext.Value, error) {
	form := jsontext.Value(append([]byte(nil), body...))
	err := canonicalize(&form, floats)
	return form, err
}

func canonicalize(form *jsontext.Value, floats bool) error {
	return form.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(floats))
}
