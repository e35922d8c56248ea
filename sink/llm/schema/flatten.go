package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// notOfReference are members that say nothing about the value beside a
// reference.
var notOfReference = []string{"$defs", "definitions", "$schema", "$id", "$comment", "$anchor"}

// flatten writes out allOf, and references that do not stand alone. The result
// has neither, or it is nothing but a reference. Returned are also the
// references that it contains the targets of.
func (l *lowering) flatten(s *object, at string) (_ *object, inlined []string, err error) {
	for _, unknown := range []string{"$dynamicRef", "$recursiveRef"} {
		if s.has(unknown) {
			return nil, nil, l.fail(at, "has %s: use $ref", unknown)
		}
	}
	if !s.has("$ref") && !s.has("allOf") {
		return s, nil, nil
	}
	rest := s.without(append([]string{"$ref", "allOf"}, notOfReference...)...)
	parts := list(s.get("allOf"))
	if s.has("$ref") {
		ref := newObject()
		ref.set("$ref", s.get("$ref"))
		parts = append([]any{ref}, parts...)
	}
	if only := l.onlyReference(rest, parts); only != nil {
		return only, nil, nil
	}
	for i, part := range parts {
		p, err := l.asObject(part, fmt.Sprintf("%s/allOf/%d", at, i))
		if err != nil {
			return nil, nil, err
		}
		p, refs, err := l.writeOut(p, at)
		if err != nil {
			return nil, nil, err
		}
		inlined = append(inlined, refs...)
		if rest, err = merge(rest, p); err != nil {
			return nil, nil, err
		}
	}
	return rest, inlined, nil
}

// onlyReference returns the reference that a schema is if it says nothing else,
// or only describes one that cannot be written out.
func (l *lowering) onlyReference(rest *object, parts []any) *object {
	if len(parts) != 1 {
		return nil
	}
	ref, isObject := parts[0].(*object)
	if !isObject || !ref.has("$ref") || len(ref.without(notOfReference...).names) > 1 {
		return nil
	}
	says := rest.without(rest.namesIn(annotations)...)
	says.remove(says.namesIn(hints)...)
	if len(rest.names) == 0 || len(says.names) == 0 && l.inlined[textOf(ref.get("$ref"))] > 0 {
		return ref.without(notOfReference...)
	}
	return nil
}

// writeOut flattens a part of allOf to a schema without a reference.
func (l *lowering) writeOut(p *object, at string) (*object, []string, error) {
	var inlined []string
	defer func() { l.mark(inlined, -1) }() // lower counts them again
	for {
		flat, refs, err := l.flatten(p, at)
		if err != nil {
			return nil, nil, err
		}
		inlined = append(inlined, refs...)
		l.mark(refs, 1)
		if !flat.has("$ref") {
			return flat, inlined, nil
		}
		ref := textOf(flat.get("$ref"))
		if l.inlined[ref] > 0 {
			return nil, nil, l.fail(at, "adds something to %s, which contains this: make it a definition of its own", ref)
		}
		inlined = append(inlined, ref)
		l.mark([]string{ref}, 1)
		target, err := l.resolve(ref, at)
		if err != nil {
			return nil, nil, err
		}
		if p, err = l.asObject(target, ref); err != nil {
			return nil, nil, err
		}
	}
}

const definitions = "#/$defs/"

func definitionPath(name string) string { return definitions + escape(name) }

// reference returns a reference to a definition, and the schema itself that
// another reference means.
func (l *lowering) reference(ref, at string) (*object, error) {
	if ref == "#" {
		if l.cycles != anyCycle {
			return nil, l.fail(at, "contains the whole schema, which %s does not take: say how deep it goes", l.name)
		}
		return referenceTo(ref), nil
	}
	target, err := l.resolve(ref, at)
	if err != nil {
		return nil, err
	}
	token, isDefinition := strings.CutPrefix(ref, definitions)
	if !isDefinition {
		token, isDefinition = strings.CutPrefix(ref, "#/definitions/")
	}
	if !isDefinition || strings.Contains(token, "/") {
		if l.inlined[ref] > 0 {
			return nil, l.fail(at, "refers to %s, which contains this: make it a definition of its own, under $defs", ref)
		}
		l.mark([]string{ref}, 1)
		defer l.mark([]string{ref}, -1)
		return l.lower(target, at)
	}
	name := unescape(token)
	if !l.queued[name] {
		l.queued[name] = true
		l.queue = append(l.queue, name)
	}
	return referenceTo(definitionPath(name)), nil
}

func referenceTo(ref string) *object {
	o := newObject()
	o.set("$ref", quote(ref))
	return o
}

// resolve returns what a reference means. A definition may also be among those
// of an older draft.
func (l *lowering) resolve(ref, at string) (any, error) {
	path, isLocal := strings.CutPrefix(ref, "#")
	if !isLocal {
		return nil, l.fail(at, "refers to %q, outside of the schema: copy it into $defs", ref)
	}
	target, ok := find(l.root, path)
	if !ok && strings.HasPrefix(ref, definitions) {
		target, ok = find(l.root, "/definitions/"+strings.TrimPrefix(ref, definitions))
	}
	if !ok {
		return nil, l.fail(at, "refers to %q, which is not there", ref)
	}
	return target, nil
}

// find returns the value at a JSON pointer.
func find(v any, pointer string) (any, bool) {
	if pointer == "" {
		return v, true
	}
	if !strings.HasPrefix(pointer, "/") {
		return nil, false
	}
	for token := range strings.SplitSeq(pointer[1:], "/") {
		switch inner := v.(type) {
		case *object:
			name := unescape(token)
			if !inner.has(name) {
				return nil, false
			}
			v = inner.get(name)
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(inner) {
				return nil, false
			}
			v = inner[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// escape writes a name as a token of a JSON pointer.
func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

func unescape(token string) string {
	token = strings.ReplaceAll(token, "%25", "%")
	return strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
}

// merge returns a schema that asks for what two ask for.
func merge(a, b *object) (*object, error) {
	a = a.clone()
	if b.has("if") && a.has("if") {
		condition := newObject()
		copyMembers(condition, b, "if", "then", "else")
		a = alsoSchema(a, condition)
		b = b.without("if", "then", "else")
	}
	for _, name := range b.names {
		value := b.get(name)
		switch {
		case slices.Contains(notOfReference, name):
		case !a.has(name):
			a.set(name, value)
		case same(a.get(name), value):
		default:
			both, ok := mergeKeyword(name, a.get(name), value)
			switch {
			case !ok:
				a = also(a, name, value)
			case both == nil:
				return nil, errNever
			default:
				a.set(name, both)
			}
		}
	}
	return a, nil
}

// mergeKeyword returns the value of a keyword that asks for what two ask for,
// nil if no value can meet both. It reports false if the keyword cannot say it.
func mergeKeyword(name string, a, b any) (_ any, ok bool) {
	switch name {
	case "title", "default", "examples":
		return a, true
	case "description":
		return quote(joinLines(textOf(a), textOf(b))), true
	case "properties":
		return mergeProperties(a, b)
	case "required":
		return listOfTexts(appendMissing(texts(a), texts(b))), true
	case "type":
		return orNothing(commonTypes(typesOf(a), typesOf(b))), true
	case "enum":
		return orNothing(slices.DeleteFunc(slices.Clone(list(a)), func(v any) bool { return !contains(list(b), v) })), true
	case "const":
		return nil, true
	case "items", "additionalProperties":
		if kindOf(a) == 'f' || kindOf(b) == 'f' {
			return jsonFalse, true
		}
		return allOf(a, b), true
	case alsoKeyword:
		return append(slices.Clone(list(a)), list(b)...), true
	case "minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains":
		return larger(a, b), true
	case "maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains":
		if larger(a, b) == a {
			return b, true
		}
		return a, true
	}
	return nil, false
}

// orNothing returns nil for an empty list.
func orNothing(l []any) any {
	if len(l) == 0 {
		return nil
	}
	return l
}

func allOf(a, b any) *object {
	both := newObject()
	both.set("allOf", []any{a, b})
	return both
}

func mergeProperties(a, b any) (any, bool) {
	of, isObject := a.(*object)
	more, areObjects := b.(*object)
	if !isObject || !areObjects {
		return nil, false
	}
	all := of.clone()
	for _, name := range more.names {
		if all.has(name) && !same(all.get(name), more.get(name)) {
			all.set(name, allOf(all.get(name), more.get(name)))
			continue
		}
		all.set(name, more.get(name))
	}
	return all, true
}

// appendMissing appends the texts that are not there.
func appendMissing(all, more []string) []string {
	for _, text := range more {
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

// typesOf returns the value of type as a list.
func typesOf(v any) []string {
	if text := textOf(v); text != "" {
		return []string{text}
	}
	return texts(v)
}

// commonTypes returns the types that are in both lists. A whole number is a
// number.
func commonTypes(a, b []string) (all []any) {
	for _, t := range a {
		switch {
		case slices.Contains(b, t), t == "integer" && slices.Contains(b, "number"):
			all = append(all, quote(t))
		case t == "number" && slices.Contains(b, "integer"):
			all = append(all, quote("integer"))
		}
	}
	return all
}

// larger returns the larger one of two numbers.
func larger(a, b any) any {
	if number(a) < number(b) {
		return b
	}
	return a
}

func number(v any) float64 {
	raw, _ := v.(jsontext.Value)
	f, _ := strconv.ParseFloat(string(raw), 64) // 0 of anything else
	return f
}

// also returns a schema that asks for one more thing, which goes into the
// description.
func also(s *object, name string, value any) *object {
	more := newObject()
	more.set(name, value)
	return alsoSchema(s, more)
}

func alsoSchema(s, more *object) *object {
	s = s.clone()
	s.set(alsoKeyword, append(slices.Clone(list(s.get(alsoKeyword))), more))
	return s
}
