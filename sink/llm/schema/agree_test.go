package schema_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/balerhq/baler/sink/llm/schema"
)

// instance returns a value that a schema may be about: it often meets it.
func (r randomSchemas) instance(s map[string]any, depth int) any {
	if r.chance(5) || depth == 0 {
		return []any{nil, "x", 3.0, true, []any{}, map[string]any{}}[r.IntN(6)]
	}
	for _, union := range []string{"anyOf", "oneOf", "allOf"} {
		if branches, ok := s[union].([]any); ok {
			return r.instance(branches[r.IntN(len(branches))].(map[string]any), depth-1)
		}
	}
	if enum, ok := s["enum"].([]any); ok {
		return enum[r.IntN(len(enum))]
	}
	if value, ok := s["const"]; ok {
		return value
	}
	t := s["type"]
	if types, ok := t.([]any); ok {
		t = types[r.IntN(len(types))]
	}
	switch t {
	case "object":
		value := make(map[string]any)
		properties, _ := s["properties"].(map[string]any)
		for name, inner := range properties {
			if r.chance(85) {
				value[name] = r.instance(inner.(map[string]any), depth-1)
			}
		}
		if r.chance(10) {
			value["x"] = "more"
		}
		return value
	case "array":
		items, _ := s["items"].(map[string]any)
		value := []any{}
		for range r.IntN(4) {
			value = append(value, r.instance(items, depth-1))
		}
		return value
	case "string":
		return r.pick("", "abc", "longer than ten characters", "Upper")
	case "integer":
		return float64(r.IntN(15) - 3)
	case "number":
		return float64(r.IntN(60)-10) / 4
	case "boolean":
		return r.chance(50)
	}
	return nil
}

// Two libraries say the same of 10,000 values, about half of which meet their
// schema.
func TestAnotherLibraryAgrees(t *testing.T) {
	t.Parallel()
	r := randomSchemas{Rand: rand.New(rand.NewPCG(3, 4))}
	n, valid := 10_000, 0
	if testing.Short() {
		n = 1000
	}
	const perSchema = 10
	for range n / perSchema {
		s := withoutFormats(r.document()).(map[string]any)
		text, _ := json.Marshal(s)
		ours, err := schema.NewValidator(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		other := new(jsonschema.Schema)
		if err := json.Unmarshal(text, other); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		theirs, err := other.Resolve(nil)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for range perSchema {
			value := r.instance(s, 6)
			answer, _ := json.Marshal(value)
			_ = json.Unmarshal(answer, &value) // so that all numbers are of one Go type
			ok, err := ours.Valid(string(answer)), theirs.Validate(value)
			if ok != (err == nil) {
				t.Fatalf("%s\n%s\nwe say %t, they say %v", text, answer, ok, err)
			}
			if ok {
				valid++
			}
		}
	}
	if valid < n/3 || valid > n*2/3 {
		t.Errorf("%d of %d values are valid", valid, n)
	}
}

// withoutFormats leaves out formats, which the other library does not check.
func withoutFormats(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "format")
		for _, inner := range v {
			withoutFormats(inner)
		}
	case []any:
		for _, inner := range v {
			withoutFormats(inner)
		}
	}
	return v
}
