package schema

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schemer is a type that has a JSON Schema of its own, such as one of a few
// words.
type Schemer interface{ JSONSchema() json.RawMessage }

// Infer returns the JSON Schema of a Go type, as encoding/json reads it. The
// members of a struct keep its order. One with omitempty or omitzero may be
// absent, and a pointer may be null. The tag jsonschema describes a member. A
// Schemer says itself what it is. The error names a type that has no schema,
// such as one that contains itself.
func Infer(t reflect.Type) (json.RawMessage, error) {
	own := make(map[reflect.Type]*jsonschema.Schema)
	if err := ownSchemas(t, own, make(map[reflect.Type]bool)); err != nil {
		return nil, err
	}
	s, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: own})
	if err != nil {
		return nil, fmt.Errorf("the type %s has no JSON Schema: %w", t, err)
	}
	dropNullLists(s)
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("the type %s has no JSON Schema: %w", t, err)
	}
	return text, nil
}

// dropNullLists lets no list be null: an empty one says the same.
func dropNullLists(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if slices.Contains(s.Types, "array") {
		s.Types, s.Type = nil, "array"
	}
	dropNullLists(s.Items)
	dropNullLists(s.AdditionalProperties)
	for _, inner := range s.Properties {
		dropNullLists(inner)
	}
}

// ownSchemas finds the types whose JSON is not what their kind says.
func ownSchemas(t reflect.Type, own map[reflect.Type]*jsonschema.Schema, seen map[reflect.Type]bool) error {
	if seen[t] {
		return nil
	}
	seen[t] = true
	s, err := ownSchema(t)
	if err != nil {
		return err
	}
	if s != nil {
		own[t] = s
		return nil
	}
	kind := t.Kind()
	if kind == reflect.Pointer || kind == reflect.Slice || kind == reflect.Array || kind == reflect.Map {
		return ownSchemas(t.Elem(), own, seen)
	}
	if kind == reflect.Struct {
		for field := range t.Fields() {
			if err := ownSchemas(field.Type, own, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

func ownSchema(t reflect.Type) (*jsonschema.Schema, error) {
	if t.Kind() == reflect.Pointer {
		return nil, nil
	}
	if schemer, ok := reflect.TypeAssert[Schemer](reflect.New(t)); ok {
		s := new(jsonschema.Schema)
		if err := json.Unmarshal(schemer.JSONSchema(), s); err != nil {
			return nil, fmt.Errorf("the schema of %s: %w", t, err)
		}
		return s, nil
	}
	pointer, isText := reflect.PointerTo(t), reflect.TypeFor[encoding.TextUnmarshaler]()
	switch {
	case t == reflect.TypeFor[time.Time]():
		return &jsonschema.Schema{Type: "string", Format: "date-time"}, nil
	case t == reflect.TypeFor[json.Number]():
		return &jsonschema.Schema{Type: "number"}, nil
	case t == reflect.TypeFor[big.Int]():
		return &jsonschema.Schema{Type: "integer"}, nil
	case t == reflect.TypeFor[json.RawMessage]():
		return &jsonschema.Schema{}, nil
	case pointer.Implements(isText):
		return &jsonschema.Schema{Type: "string"}, nil
	case pointer.Implements(reflect.TypeFor[json.Unmarshaler]()):
		return nil, fmt.Errorf("the type %s has no JSON Schema, as it reads JSON in its own way: give it a method JSONSchema", t)
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return &jsonschema.Schema{Type: "string", ContentEncoding: "base64"}, nil
	}
	return nil, nil
}

// NameOf returns a name for the schema of a type, of the characters that
// providers take.
func NameOf(t reflect.Type) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		}
		return -1
	}, t.Name())
	return name[:min(len(name), maxName)]
}

// maxName is how long the name of a schema is at most.
const maxName = 64
