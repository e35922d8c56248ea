package schemarules

import (
	"encoding/json"
	"strings"
)

// GeminiOwn returns what Gemini refuses in a responseSchema, which is in a
// format of its own: a part of OpenAPI's. Its members may be written in
// snake_case, and its types in capitals or not.
func GeminiOwn(schema []byte) []string {
	var s any
	if json.Unmarshal(schema, &s) != nil {
		return []string{"the schema is no object"}
	}
	text, _ := json.Marshal(camelSchema(s)) //nolint:errchkjson // it came from JSON
	return check(text, geminiOwn)
}

var geminiOwn = rules{
	keywords: words("type format title description nullable enum maxItems minItems properties required minProperties maxProperties " +
		"minLength maxLength pattern example anyOf propertyOrdering default items minimum maximum"),
	special: func(c *checker, at string, s map[string]any) {
		kind, _ := s["type"].(string)
		properties, _ := s["properties"].(map[string]any)
		switch kind = strings.ToUpper(kind); {
		case s["type"] == nil && s["anyOf"] == nil:
			c.problem(at, "has no type")
		case s["type"] != nil && !ownTypes[kind]:
			c.problem(at, "has the type %v", s["type"])
		case kind == "ARRAY" && s["items"] == nil:
			c.problem(at, "has no items")
		case kind == "OBJECT" && len(properties) == 0:
			c.problem(at, "properties should be non-empty for OBJECT type")
		case s["enum"] != nil && kind != "STRING":
			c.problem(at, "only a STRING has an enum")
		}
		for _, v := range list(s["enum"]) {
			if text, isText := v.(string); !isText || text == "" {
				c.problem(at, "an enum has %v", v)
			}
		}
		for _, name := range textsOf(s["propertyOrdering"]) {
			if _, has := properties[name]; !has {
				c.problem(at, "orders %q, which is no property", name)
			}
		}
	},
	whole: func(*checker) {},
}

var ownTypes = words("STRING NUMBER INTEGER BOOLEAN ARRAY OBJECT NULL")

// camelSchema returns a schema whose members are in camelCase. The names of
// properties stay.
func camelSchema(v any) any {
	s, isObject := v.(map[string]any)
	if !isObject {
		return v
	}
	out := make(map[string]any, len(s))
	for name, value := range s {
		name = camel(name)
		switch name {
		case "properties":
			value = camelMembers(value)
		case "items":
			value = camelSchema(value)
		case "anyOf":
			value = camelElements(value)
		}
		out[name] = value
	}
	return out
}

func camelMembers(v any) any {
	properties, isObject := v.(map[string]any)
	if !isObject {
		return v
	}
	all := make(map[string]any, len(properties))
	for name, s := range properties {
		all[name] = camelSchema(s)
	}
	return all
}

func camelElements(v any) any {
	elements, isList := v.([]any)
	if !isList {
		return v
	}
	all := make([]any, len(elements))
	for i := range elements {
		all[i] = camelSchema(elements[i])
	}
	return all
}

func camel(name string) string {
	words := strings.Split(name, "_")
	for i, word := range words[1:] {
		if word != "" {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}
