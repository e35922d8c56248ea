package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// object is a JSON object with its members in their order, in which models
// answer. A value is an *object, a []any, or a jsontext.Value that is neither.
type object struct {
	names  []string
	values map[string]any
}

func newObject() *object { return &object{values: make(map[string]any)} }

func (o *object) get(name string) any { return o.values[name] }

func (o *object) has(name string) bool {
	_, ok := o.values[name]
	return ok
}

func (o *object) set(name string, value any) {
	if !o.has(name) {
		o.names = append(o.names, name)
	}
	o.values[name] = value
}

func (o *object) remove(names ...string) {
	for _, name := range names {
		if o.has(name) {
			delete(o.values, name)
			o.names = slices.DeleteFunc(o.names, func(n string) bool { return n == name })
		}
	}
}

// clone copies the object, and not its values.
func (o *object) clone() *object {
	c := newObject()
	for _, name := range o.names {
		c.set(name, o.values[name])
	}
	return c
}

// without returns a copy without some members.
func (o *object) without(names ...string) *object {
	c := o.clone()
	c.remove(names...)
	return c
}

// parse reads a JSON text.
func parse(text []byte) (any, error) {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	v, err := readValue(d)
	if err != nil {
		return nil, fmt.Errorf("the schema is not JSON: %w", err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the schema is followed by something else")
	}
	return v, nil
}

func readValue(d *jsontext.Decoder) (any, error) {
	switch byte(d.PeekKind()) {
	case '{':
		return readObject(d)
	case '[':
		return readList(d)
	}
	v, err := d.ReadValue()
	return jsontext.Value(bytes.Clone(v)), err
}

func readObject(d *jsontext.Decoder) (any, error) {
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	o := newObject()
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		text := name.String() // before the next call
		value, err := readValue(d)
		if err != nil {
			return nil, err
		}
		o.set(text, value)
	}
	_, err := d.ReadToken()
	return o, err
}

func readList(d *jsontext.Decoder) (any, error) {
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	list := []any{}
	for d.PeekKind() != ']' {
		value, err := readValue(d)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := d.ReadToken()
	return list, err
}

// appendJSON appends the text of a value.
func appendJSON(dst []byte, v any) []byte {
	switch v := v.(type) {
	case *object:
		dst = append(dst, '{')
		for i, name := range v.names {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(append(dst, quote(name)...), ':')
			dst = appendJSON(dst, v.values[name])
		}
		return append(dst, '}')
	case []any:
		dst = append(dst, '[')
		for i, element := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, element)
		}
		return append(dst, ']')
	case jsontext.Value:
		return append(dst, v...)
	}
	return append(dst, "null"...)
}

// quote returns a JSON string. Bytes that are no UTF-8 become U+FFFD.
func quote(text string) jsontext.Value {
	quoted, _ := jsontext.AppendQuote(nil, text) // complete also with an error
	return quoted
}

// textOf returns a string, and "" of anything else.
func textOf(v any) string {
	raw, _ := v.(jsontext.Value)
	if raw.Kind() != '"' {
		return ""
	}
	text, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return ""
	}
	return string(text)
}

// kindOf returns the kind of a value: { [ " 0 t f or n.
func kindOf(v any) byte {
	switch v := v.(type) {
	case *object:
		return '{'
	case []any:
		return '['
	case jsontext.Value:
		return byte(v.Kind())
	}
	return 0
}

// same reports whether two values are the same, whatever the order of members.
func same(a, b any) bool { return bytes.Equal(canonical(a), canonical(b)) }

func canonical(v any) jsontext.Value {
	form := jsontext.Value(appendJSON(nil, v))
	_ = form.Canonicalize(jsontext.CanonicalizeRawInts(false)) // what cannot be is compared as it is
	return form
}

// list returns a list, and nil of anything else.
func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// texts returns the strings of a list.
func texts(v any) (all []string) {
	for _, element := range list(v) {
		if kindOf(element) == '"' {
			all = append(all, textOf(element))
		}
	}
	return all
}

func listOfTexts(all []string) []any {
	l := make([]any, len(all))
	for i, text := range all {
		l[i] = quote(text)
	}
	return l
}

// contains reports whether a list has a value.
func contains(l []any, v any) bool {
	return slices.ContainsFunc(l, func(element any) bool { return same(element, v) })
}

var (
	jsonNull  = jsontext.Value("null")
	jsonFalse = jsontext.Value("false")
)
