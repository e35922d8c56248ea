package wire

import (
	"encoding/json"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
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

// Body writes an object in canonical form. Numbers of options stay as they are
// written.
func Body(f Fields) (json.RawMessage, error) {
	body, err := jsonv2.Marshal(f, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil, err
	}
	form, err := canonical(body, false)
	return json.RawMessage(form), err
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
