// Package schemarules knows which schemas of answers the providers take, as
// their documentation has it. The simulator refuses what they refuse, and the
// tests of package sink/llm/schema check what that writes. It shares no code
// with it.
package schemarules

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// rules are those of one provider.
type rules struct {
	keywords map[string]bool
	formats  []string // nil: any
	special  func(c *checker, at string, s map[string]any)
	whole    func(c *checker)
}

// OpenAI returns what OpenAI's strict mode refuses in a schema, nothing if it
// takes it.
func OpenAI(schema []byte) []string { return check(schema, openAI) }

// Mistral returns what Mistral's strict mode refuses, which is what OpenAI's
// does.
func Mistral(schema []byte) []string { return check(schema, openAI) }

// Anthropic returns what Anthropic refuses in a schema.
func Anthropic(schema []byte) []string { return check(schema, anthropic) }

// Gemini returns what Gemini does not support in a responseJsonSchema.
func Gemini(schema []byte) []string { return check(schema, gemini) }

func words(text string) map[string]bool {
	all := make(map[string]bool)
	for word := range strings.FieldsSeq(text) {
		all[word] = true
	}
	return all
}

var openAI = rules{
	keywords: words("title description type enum const anyOf $ref $defs properties required additionalProperties items pattern format " +
		"minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minItems maxItems"),
	formats: strings.Fields("date-time time date duration email hostname ipv4 ipv6 uuid"),
	special: func(c *checker, at string, s map[string]any) {
		c.closed(at, s)
		properties, _ := s["properties"].(map[string]any)
		for name := range properties {
			if !slices.Contains(textsOf(s["required"]), name) {
				c.problem(at, "%q is not required", name)
			}
		}
		if s["type"] == nil && s["anyOf"] == nil && s["$ref"] == nil && s["enum"] == nil && s["const"] == nil {
			c.problem(at, "has no type")
		}
		if types, isList := s["type"].([]any); isList && (len(types) != 2 || !slices.Contains(types, any("null"))) {
			c.problem(at, "has types %v", types)
		}
		if slices.Contains(typesOf(s), "array") && s["items"] == nil {
			c.problem(at, "has no items")
		}
	},
	whole: func(c *checker) {
		if c.root["type"] != "object" || c.root["anyOf"] != nil {
			c.problem("#", "the root is no object")
		}
		c.atMost("properties", c.properties, 5000)
		c.atMost("levels", c.levels(c.root, nil), 10)
		c.atMost("values of enums", c.enums, 1000)
		c.atMost("characters", c.characters, 120_000)
	},
}

var anthropic = rules{
	keywords: words("title description type enum const anyOf allOf $ref $defs properties required additionalProperties items format minItems"),
	formats:  strings.Fields("date-time time date duration email hostname uri ipv4 ipv6 uuid"),
	special: func(c *checker, at string, s map[string]any) {
		c.closed(at, s)
		if n, has := s["minItems"]; has && n != 0.0 && n != 1.0 {
			c.problem(at, "minItems is %v", n)
		}
	},
	whole: func(c *checker) {
		c.cycles(false)
		c.atMost("optional members", c.optional, 24)
		c.atMost("unions", c.unions, 16)
	},
}

var gemini = rules{
	keywords: words("$id $defs $ref $anchor type format title description enum items prefixItems minItems maxItems minimum maximum " +
		"anyOf oneOf properties additionalProperties required propertyOrdering"),
	formats: strings.Fields("date-time time date"),
	special: func(c *checker, at string, s map[string]any) {
		for _, v := range list(s["enum"]) {
			switch v.(type) {
			case string, float64:
			default:
				c.problem(at, "an enum has %v", v)
			}
		}
	},
	whole: func(c *checker) { c.cycles(true) },
}

type checker struct {
	rules
	root     map[string]any
	problems []string

	properties, enums, characters, optional, unions int
}

func check(schema []byte, r rules) []string {
	c := &checker{rules: r}
	if err := json.Unmarshal(schema, &c.root); err != nil {
		return []string{"the schema is no object"}
	}
	c.walk("#", c.root)
	if len(c.problems) == 0 {
		c.whole(c)
	}
	return c.problems
}

func (c *checker) problem(at, format string, args ...any) {
	c.problems = append(c.problems, at+": "+fmt.Sprintf(format, args...))
}

func (c *checker) atMost(what string, n, limit int) {
	if n > limit {
		c.problem("#", "%d %s, more than %d", n, what, limit)
	}
}

func (c *checker) walk(at string, v any) {
	s, ok := v.(map[string]any)
	if !ok {
		c.problem(at, "is no object")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if !c.keywords[name] {
			c.problem(at, "the keyword %q is not supported", name)
		}
	}
	c.reference(at, s)
	if format, has := s["format"].(string); has && c.formats != nil && !slices.Contains(c.formats, format) {
		c.problem(at, "the format %q is not supported", format)
	}
	c.countIn(at, s)
	c.special(c, at, s)
	for _, inner := range inside(s) {
		c.walk(at+inner.at, inner.value)
	}
}

func (c *checker) reference(at string, s map[string]any) {
	ref, has := s["$ref"].(string)
	if !has {
		return
	}
	if c.target(ref) == nil {
		c.problem(at, "%q is not in the schema", ref)
	}
	for name := range s {
		if !strings.HasPrefix(name, "$") {
			c.problem(at, "%q stands beside $ref", name)
		}
	}
}

func (c *checker) target(ref string) map[string]any {
	if ref == "#" {
		return c.root
	}
	name, ok := strings.CutPrefix(ref, "#/$defs/")
	if !ok {
		return nil
	}
	all, _ := c.root["$defs"].(map[string]any)
	target, _ := all[strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")].(map[string]any)
	return target
}

func (c *checker) countIn(at string, s map[string]any) {
	properties, _ := s["properties"].(map[string]any)
	required := textsOf(s["required"])
	c.properties += len(properties)
	for name := range properties {
		c.characters += utf8.RuneCountInString(name)
		if !slices.Contains(required, name) {
			c.optional++
		}
	}
	for _, name := range required {
		if _, has := properties[name]; !has {
			c.problem(at, "requires %q, which is no property", name)
		}
	}
	if enum, has := s["enum"].([]any); has {
		if len(enum) == 0 {
			c.problem(at, "the enum is empty")
		}
		for _, v := range enum {
			switch v := v.(type) {
			case map[string]any, []any:
				c.problem(at, "the enum has a value that is no scalar")
			case string:
				c.characters += utf8.RuneCountInString(v)
			}
		}
		c.enums += len(enum)
	}
	if _, isList := s["type"].([]any); isList || s["anyOf"] != nil {
		c.unions++
	}
}

// closed wants each object to list all its members.
func (c *checker) closed(at string, s map[string]any) {
	if slices.Contains(typesOf(s), "object") && s["additionalProperties"] != false {
		c.problem(at, "additionalProperties is not false")
	}
}

type innerSchema struct {
	at       string
	value    any
	optional bool
}

func inside(s map[string]any) (all []innerSchema) {
	required := textsOf(s["required"])
	for _, keyword := range []string{"properties", "$defs"} {
		named, _ := s[keyword].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(named)) {
			all = append(all, innerSchema{"/" + keyword + "/" + name, named[name], keyword == "properties" && !slices.Contains(required, name)})
		}
	}
	for _, keyword := range []string{"anyOf", "allOf", "oneOf", "prefixItems"} {
		for i, v := range list(s[keyword]) {
			all = append(all, innerSchema{fmt.Sprintf("/%s/%d", keyword, i), v, false})
		}
	}
	for _, keyword := range []string{"items", "additionalProperties"} {
		if v, has := s[keyword]; has {
			if _, isBool := v.(bool); !isBool {
				all = append(all, innerSchema{"/" + keyword, v, keyword != "items"})
			}
		}
	}
	return all
}

// levels is how many objects are in each other.
func (c *checker) levels(s map[string]any, in []string) int {
	if ref, has := s["$ref"].(string); has {
		if slices.Contains(in, ref) {
			return 0
		}
		return c.levels(c.target(ref), append(slices.Clone(in), ref))
	}
	deepest := 0
	for _, inner := range inside(s) {
		if strings.HasPrefix(inner.at, "/$defs/") {
			continue
		}
		deepest = max(deepest, c.levels(inner.value.(map[string]any), in))
	}
	if slices.Contains(typesOf(s), "object") {
		deepest++
	}
	return deepest
}

// cycles refuses schemas that contain themselves: at all, or where the member
// is required.
func (c *checker) cycles(mayBeOptional bool) {
	done := make(map[string]bool)
	var visit func(s map[string]any, in []string) bool
	visit = func(s map[string]any, in []string) bool {
		if ref, has := s["$ref"].(string); has {
			switch {
			case slices.Contains(in, ref):
				return false
			case done[ref]:
				return true
			}
			ok := visit(c.target(ref), append(slices.Clone(in), ref))
			done[ref] = true
			return ok
		}
		for _, inner := range inside(s) {
			if strings.HasPrefix(inner.at, "/$defs/") || inner.optional && mayBeOptional {
				continue
			}
			if !visit(inner.value.(map[string]any), in) {
				return false
			}
		}
		return true
	}
	ok := visit(c.root, []string{"#"})
	all, _ := c.root["$defs"].(map[string]any)
	for name := range all {
		ok = ok && visit(map[string]any{"$ref": "#/$defs/" + name}, nil)
	}
	if !ok {
		c.problem("#", "the schema contains itself")
	}
}

func typesOf(s map[string]any) []string {
	if t, ok := s["type"].(string); ok {
		return []string{t}
	}
	return textsOf(s["type"])
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func textsOf(v any) (all []string) {
	for _, element := range list(v) {
		if text, ok := element.(string); ok {
			all = append(all, text)
		}
	}
	return all
}
