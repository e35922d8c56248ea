package schema_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/internal/schemarules"
	"github.com/balerhq/baler/sink/llm/schema"
)

var dialects = []struct {
	*schema.Dialect
	refuses func([]byte) []string
}{
	{schema.OpenAI, schemarules.OpenAI},
	{schema.Anthropic, schemarules.Anthropic},
	{schema.Gemini, schemarules.Gemini},
}

// randomSchemas writes schemas of all keywords, sensible or not.
type randomSchemas struct {
	*rand.Rand
	definitions int
}

func (r randomSchemas) pick(of ...string) string { return of[r.IntN(len(of))] }

func (r randomSchemas) chance(percent int) bool { return r.IntN(100) < percent }

// document returns a schema. Most roots are objects, as those of users are.
func (r randomSchemas) document() map[string]any {
	s := r.schema(3)
	if r.chance(80) {
		s = r.object(3)
	}
	if r.definitions > 0 {
		all := make(map[string]any)
		for i := range r.definitions {
			all[fmt.Sprintf("d%d", i)] = r.schema(2)
		}
		s[r.pick("$defs", "$defs", "definitions")] = all
	}
	return s
}

func (r randomSchemas) schema(depth int) map[string]any {
	switch n := r.IntN(20); {
	case depth > 0 && n < 5:
		return r.object(depth)
	case depth > 0 && n < 7:
		s := map[string]any{"type": "array", "items": r.schema(depth - 1)}
		r.some(s, map[string]any{"minItems": r.IntN(3), "maxItems": 3 + r.IntN(5), "uniqueItems": true})
		if r.chance(10) {
			s["prefixItems"] = []any{r.schema(depth - 1), r.schema(0)}
		}
		return s
	case depth > 0 && n < 9:
		s := map[string]any{r.pick("anyOf", "oneOf", "allOf"): []any{r.schema(depth - 1), r.schema(depth - 1)}}
		if r.chance(20) {
			s["type"] = r.pick("object", "string")
		}
		return s
	case r.definitions > 0 && n < 11:
		s := map[string]any{"$ref": fmt.Sprintf("#/$defs/d%d", r.IntN(r.definitions))}
		r.some(s, map[string]any{"description": "see there", "minLength": 2})
		return s
	}
	return r.scalar()
}

func (r randomSchemas) object(depth int) map[string]any {
	properties := make(map[string]any)
	var required []any
	for i := range r.IntN(5) {
		name := r.pick("a", "b", "c/d", "e~f", "g h") + fmt.Sprint(i)
		properties[name] = r.schema(depth - 1)
		if r.chance(70) {
			required = append(required, name)
		}
	}
	s := map[string]any{"type": "object", "properties": properties}
	if required != nil {
		s["required"] = required
	}
	r.some(s, map[string]any{
		"additionalProperties": r.chance(80), "minProperties": 1, "title": "A thing", "description": "what it is",
		"patternProperties": map[string]any{"^x": r.scalar()}, "dependentRequired": map[string]any{"a": []any{"b"}},
		"not": map[string]any{"required": []any{"z"}}, "propertyNames": map[string]any{"minLength": 1},
	})
	return s
}

func (r randomSchemas) scalar() map[string]any {
	types := []any{"string", "integer", "number", "boolean", "null"}
	var s map[string]any
	switch r.IntN(8) {
	case 0:
		s = map[string]any{"enum": []any{"red", "green", 3, nil, true}[:1+r.IntN(5)]}
	case 1:
		s = map[string]any{"const": []any{"x", 1, true, nil, map[string]any{"a": 1}}[r.IntN(5)]}
	case 2:
		s = map[string]any{"type": []any{types[r.IntN(4)], "null"}}
	case 3:
		s = map[string]any{"type": []any{"string", "number"}}
	default:
		s = map[string]any{"type": types[r.IntN(len(types))]}
	}
	r.some(s, map[string]any{
		"minLength": 1, "maxLength": 10, "pattern": "^[a-z]+$", "format": r.pick("date", "email", "uri", "uuid", "idn-email"), "minimum": 1,
		"exclusiveMaximum": 10, "multipleOf": 2, "default": 1, "examples": []any{1}, "title": "A value", "description": "of a kind",
		"nullable": true, "deprecated": true,
	})
	return s
}

// some sets a few of the members.
func (r randomSchemas) some(s, members map[string]any) {
	for name, value := range members {
		if r.chance(6) {
			s[name] = value
		}
	}
}

// randomType returns a Go type that people could read answers into.
func (r randomSchemas) randomType(depth int) reflect.Type {
	scalars := []reflect.Type{
		reflect.TypeFor[string](), reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[uint8](), reflect.TypeFor[float64](),
		reflect.TypeFor[time.Time](), reflect.TypeFor[[]byte](), reflect.TypeFor[mood](), reflect.TypeFor[json.Number](),
	}
	switch n := r.IntN(10); {
	case depth > 0 && n < 3:
		return r.randomStruct(depth - 1)
	case depth > 0 && n < 5:
		return reflect.SliceOf(r.randomType(depth - 1))
	case depth > 0 && n < 6:
		return reflect.PointerTo(r.randomType(depth - 1))
	case depth > 0 && n == 6 && r.chance(10):
		return reflect.MapOf(reflect.TypeFor[string](), r.randomType(depth-1))
	}
	return scalars[r.IntN(len(scalars))]
}

func (r randomSchemas) randomStruct(depth int) reflect.Type {
	fields := make([]reflect.StructField, 1+r.IntN(5))
	for i := range fields {
		tag := fmt.Sprintf(`json:"f%d%s"`, i, r.pick("", "", ",omitempty", ",omitzero"))
		if r.chance(30) {
			tag += ` jsonschema:"what it is"`
		}
		fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: r.randomType(depth), Tag: reflect.StructTag(tag)}
	}
	return reflect.StructOf(fields)
}

// mood has a schema of its own.
type mood string

// JSONSchema implements schema.Schemer.
func (mood) JSONSchema() json.RawMessage {
	return json.RawMessage(`{"type":"string","enum":["good","bad"]}`)
}

// What is sent keeps to the rules of each provider, as another package reads
// them, and lowering it again changes nothing. Of each kind of input, most can
// be sent.
func TestWhatIsSentKeepsToTheRules(t *testing.T) {
	t.Parallel()
	r := randomSchemas{Rand: rand.New(rand.NewPCG(1, 2))}
	sent := make(map[string]int)
	schemas, types := 7000, 3000
	if testing.Short() {
		schemas, types = 700, 300
	}
	for i := range schemas + types {
		var text []byte
		kind := "schema"
		if r.definitions = 0; i < schemas {
			r.definitions = max(r.IntN(5)-2, 0)
			text, _ = json.Marshal(r.document())
		} else {
			kind = "type"
			var err error
			if text, err = schema.Infer(r.randomStruct(2)); err != nil {
				t.Fatal(err)
			}
		}
		for n, d := range dialects {
			lowered, err := d.Lower(text)
			if err != nil {
				if !isUnsupported(err) {
					t.Fatalf("%s\n%v", text, err)
				}
				continue
			}
			sent[fmt.Sprint(kind, n)]++
			if problems := d.refuses(lowered.JSON); len(problems) > 0 {
				t.Fatalf("%s\nis sent as %s\n%s", text, lowered.JSON, strings.Join(problems, "\n"))
			}
			if i%10 > 0 {
				continue
			}
			again, err := d.Lower(lowered.JSON)
			if err != nil || !sameJSON(again.JSON, lowered.JSON) {
				t.Fatalf("%s\nis sent as %s\nand then as %s (%v)", text, lowered.JSON, again.JSON, err)
			}
		}
	}
	for n := range dialects {
		if s, ty := sent[fmt.Sprint("schema", n)], sent[fmt.Sprint("type", n)]; s < schemas/3 || ty < types*3/4 {
			t.Errorf("dialect %d: %d of %d schemas and %d of %d types can be sent", n, s, schemas, ty, types)
		}
	}
	t.Log(sent)
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

func isUnsupported(err error) bool {
	u, ok := err.(*schema.UnsupportedError) //nolint:errorlint // it is not wrapped
	return ok && strings.HasPrefix(u.Path, "#")
}
