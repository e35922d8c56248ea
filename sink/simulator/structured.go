package simulator

import (
	"encoding/json"
	"strings"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// structured returns JSON that follows the schema, with text in its strings. It
// reports false if there is no schema.
func structured(schema *protocol.Schema, text, category string) (string, bool) {
	if schema == nil {
		return "", false
	}
	e := example{root: schema, text: text, category: category, budget: 1000}
	data, err := json.Marshal(e.value(schema, 0))
	return string(data), err == nil
}

// An example makes up a value that follows a schema.
type example struct {
	root           *protocol.Schema
	text, category string
	budget         int // of values: a schema may ask for an endless one
}

// deep is the depth from which a recursive schema is brought to an end.
const deep = 4

func (e *example) value(s *protocol.Schema, depth int) any {
	for hops := 0; s != nil && s.Ref != "" && hops < deep; hops++ {
		s = e.resolve(s.Ref)
	}
	e.budget--
	switch {
	case s == nil || e.budget < 0:
		return nil
	case s.Const != nil:
		return s.Const
	case len(s.Enum) > 0:
		return e.choose(s.Enum)
	case len(s.AnyOf) > 0:
		return e.value(pickOption(s.AnyOf, depth), depth+1)
	}
	switch typeName(s.Type, depth) {
	case "object":
		object := make(map[string]any, len(s.Properties))
		for name, property := range s.Properties {
			object[name] = e.value(property, depth+1)
		}
		return object
	case "array":
		return e.array(s, depth)
	case "string":
		return e.string(s.Format)
	case "number", "integer":
		return s.Minimum
	case "boolean":
		return true
	}
	return nil
}

// resolve follows a reference within the schema.
func (e *example) resolve(ref string) *protocol.Schema {
	if ref == "#" {
		return e.root
	}
	return e.root.Defs[strings.TrimPrefix(ref, "#/$defs/")]
}

func (e *example) array(s *protocol.Schema, depth int) any {
	n := min(max(s.MinItems, 1), max(e.budget, 0))
	if depth >= deep {
		n = min(n, s.MinItems)
	}
	array := make([]any, n)
	for i := range array {
		array[i] = e.value(s.Items, depth+1)
	}
	return array
}

// choose returns the category if it is among the values.
func (e *example) choose(values []any) any {
	for _, v := range values {
		if v == e.category {
			return v
		}
	}
	return values[0]
}

var formats = map[string]string{
	"date-time": "2026-01-02T15:04:05Z", "date": "2026-01-02", "time": "15:04:05Z", "duration": "PT1H",
	"email": "someone@example.com", "hostname": "example.com", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1",
	"uuid": "00000000-0000-4000-8000-000000000000",
}

func (e *example) string(format string) string {
	if s, known := formats[format]; known {
		return s
	}
	return e.text
}

// pickOption returns the first option that says something, or null if that is
// an option and it is time to end.
func pickOption(options []*protocol.Schema, depth int) *protocol.Schema {
	for _, o := range options {
		if (o.Type == "null") == (depth >= deep) {
			return o
		}
	}
	return options[0]
}

// typeName returns the type that a value is to have, of those it may have.
func typeName(t any, depth int) string {
	names, isList := t.([]any)
	if !isList {
		name, _ := t.(string)
		return name
	}
	for _, name := range names {
		if s, _ := name.(string); (s == "null") == (depth >= deep) {
			return s
		}
	}
	return ""
}
