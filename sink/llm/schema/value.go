package schema

import (
	"errors"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// value lowers a schema without alternatives, of one type or several.
func (l *lowering) value(s *object, at string) (*object, error) {
	s = l.enumOf(s)
	types := typesOf(s.get("type"))
	if len(types) == 0 {
		types = impliedTypes(s)
	}
	enum := list(s.get("enum"))
	if s.has("enum") {
		enum = slices.DeleteFunc(slices.Clone(enum), func(v any) bool { return len(types) > 0 && !isOfTypes(v, types) })
		if len(enum) == 0 {
			return nil, errNever
		}
		s = s.clone()
		s.set("enum", enum)
		types = slices.DeleteFunc(slices.Clone(types), func(t string) bool {
			return !slices.ContainsFunc(enum, func(v any) bool { return isOfTypes(v, []string{t}) })
		})
	}
	kinds := slices.DeleteFunc(slices.Clone(types), func(t string) bool { return t == "null" })
	if slices.Contains(kinds, "number") {
		kinds = slices.DeleteFunc(kinds, func(t string) bool { return t == "integer" })
	}
	switch {
	case len(kinds) == 0 && len(types) > 0:
		return l.null(s), nil
	case len(kinds) == 0 && l.typed:
		return nil, l.fail(at, "says of no type what it is, and may be anything: give it a type")
	case len(kinds) == 0:
		return l.ofType(s, "", false, at)
	case len(kinds) == 1:
		return l.ofType(s, kinds[0], len(types) > len(kinds) && slices.Contains(types, "null"), at)
	}
	return l.ofTypes(s, types, at)
}

func (l *lowering) null(s *object) *object {
	out := newObject()
	out.set("type", quote("null"))
	copyMembers(out, s, "title", "description")
	return out
}

// ofTypes lowers a value that may be of several types to alternatives.
func (l *lowering) ofTypes(s *object, types []string, at string) (*object, error) {
	branches := make([]any, len(types))
	for i, t := range types {
		branch := s.without("title", "description")
		branch.set("type", quote(t))
		branches[i] = branch
	}
	out := newObject()
	copyMembers(out, s, "title", "description")
	out.set("anyOf", branches)
	return l.union(out, at)
}

// enumOf returns a schema whose values are in an enum, if the provider knows
// them, and whose const is one, if it does not know const.
func (l *lowering) enumOf(s *object) *object {
	if s.has("const") {
		value := s.get("const")
		isScalar := kindOf(value) != '{' && kindOf(value) != '['
		switch {
		case s.has("enum") && !contains(list(s.get("enum")), value), s.has("type") && !isOfTypes(value, typesOf(s.get("type"))):
			s = s.without("const")
			s.set("enum", []any{})
			return s
		case l.constant && isScalar && !s.has("enum"):
			s = s.clone()
			if types := typesOf(s.get("type")); len(types) != 1 {
				s.set("type", quote(typeOfValue(value)))
			}
			return s
		}
		s = s.without("const")
		s.set("enum", []any{value})
	}
	if slices.ContainsFunc(list(s.get("enum")), func(v any) bool { return !l.inEnum(v) }) {
		values := s.get("enum")
		types := typesOf(s.get("type"))
		s = also(s, "enum", values).without("enum")
		if len(types) == 0 {
			s.set("type", listOfTexts(typesOfValues(list(values))))
		}
	}
	return s
}

// inEnum reports whether the provider takes a value in an enum.
func (l *lowering) inEnum(v any) bool {
	switch kindOf(v) {
	case '{', '[':
		return false
	case 't', 'f':
		return !l.plainEnum
	}
	return true
}

func typesOfValues(values []any) (types []string) {
	for _, v := range values {
		types = appendMissing(types, []string{typeOfValue(v)})
	}
	return types
}

func typeOfValue(v any) string {
	switch kindOf(v) {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	if isWhole(v) {
		return "integer"
	}
	return "number"
}

// isWhole reports whether a number is an integer as JSON Schema has it: 1.0 is.
func isWhole(v any) bool {
	raw, _ := v.(jsontext.Value)
	if _, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return true
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	return err == nil && f == float64(int64(f))
}

func isOfTypes(v any, types []string) bool {
	t := typeOfValue(v)
	return slices.Contains(types, t) || t == "integer" && slices.Contains(types, "number")
}

// impliedTypes returns the types of a schema that names none, as far as its
// keywords tell.
func impliedTypes(s *object) (types []string) {
	if s.has("enum") {
		return typesOfValues(list(s.get("enum")))
	}
	for _, name := range s.names {
		if t := typeOf[name]; t != "" {
			types = appendMissing(types, []string{t})
		}
	}
	return types
}

// ofType lowers a value of one type, "" for any, that may also be null.
func (l *lowering) ofType(s *object, kind string, orNull bool, at string) (_ *object, err error) {
	out, also := newObject(), newObject()
	copyMembers(out, s, "title", "description")
	if kind != "" {
		out.set("type", quote(kind))
	}
	copyMembers(out, s, "enum", "const")
	if s.has("enum") && l.plainEnum {
		out.set("enum", slices.DeleteFunc(slices.Clone(list(s.get("enum"))), func(v any) bool { return kindOf(v) == 'n' }))
	}
	for _, name := range s.names {
		about := typeOf[name]
		isAbout := about == "" || kind == "" || about == kind || about == "number" && kind == "integer"
		switch {
		case !isAbout || annotations[name]:
		case hints[name]:
			also.set(name, s.get(name))
		case assertions[name] && l.keeps(name, s.get(name)):
			out.set(name, s.get(name))
		case name == "unevaluatedProperties" && l.closed:
		case assertions[name]:
			also.set(name, s.get(name))
		}
	}
	switch kind {
	case "object":
		err = l.members(s, out, also, at)
	case "array":
		err = l.elements(s, out, also, at)
	}
	if err != nil {
		return nil, err
	}
	l.move(out, also, list(s.get(alsoKeyword)), at)
	if orNull {
		out = l.orNull(out)
		if t := list(s.get("type")); len(t) == 2 && out.has("type") {
			out.set("type", t) // in its order
		}
	}
	return out, nil
}

func (l *lowering) keeps(name string, value any) bool {
	switch {
	case !l.assertions[name]:
		return false
	case name == "format":
		return l.formats[textOf(value)]
	case name == "minItems" && l.shortItems:
		return number(value) <= 1
	}
	return true
}

// move writes into the description what the provider does not know.
func (l *lowering) move(out, also *object, others []any, at string) {
	for _, other := range others {
		more := other.(*object)
		for _, name := range more.names {
			if also.has(name) || len(others) > 1 {
				also.set("allOf", append(list(also.get("allOf")), more))
				break
			}
			also.set(name, more.get(name))
		}
	}
	if len(also.names) == 0 {
		return
	}
	for _, name := range also.names {
		if !hints[name] {
			l.moved = append(l.moved, at+"/"+name)
		}
	}
	out.set("description", quote(joinLines(textOf(out.get("description")), movedIntro+string(appendJSON(nil, also)))))
}

// movedIntro begins what a model reads about the rest of a schema.
const movedIntro = "JSON Schema of this value, too: "

// orNull returns a lowered schema that takes null, too.
func (l *lowering) orNull(s *object) *object {
	null := newObject()
	null.set("type", quote("null"))
	switch {
	case takesNull(s):
		return s
	case s.has("anyOf"):
		s = s.clone()
		s.set("anyOf", append(slices.Clone(list(s.get("anyOf"))), null))
		return s
	case s.has("$ref"), s.has("enum") && l.plainEnum:
		out := newObject()
		copyMembers(out, s, "title", "description")
		out.set("anyOf", []any{s.without("title", "description"), null})
		return out
	case !s.has("type"):
		return s
	}
	s = s.clone()
	if s.has("const") {
		s.set("enum", []any{s.get("const")})
		s.remove("const")
	}
	if enum := list(s.get("enum")); s.has("enum") && !contains(enum, jsonNull) {
		s.set("enum", append(slices.Clone(enum), jsonNull))
	}
	s.set("type", []any{s.get("type"), quote("null")})
	return s
}

func takesNull(s *object) bool {
	return slices.Contains(typesOf(s.get("type")), "null") ||
		slices.ContainsFunc(list(s.get("anyOf")), func(v any) bool { return takesNull(v.(*object)) })
}

// members lowers the members of an object.
func (l *lowering) members(s, out, also *object, at string) error {
	properties, _ := s.get("properties").(*object)
	extra := s.get("additionalProperties")
	if l.closed && isMap(s, properties) {
		return l.fail(at, "is an object of any members: list them under properties, or take a list of objects with a name and a value")
	}
	if properties == nil {
		properties = newObject()
	}
	required := texts(s.get("required"))
	lowered := newObject()
	for _, name := range properties.names {
		isRequired := slices.Contains(required, name)
		p, err := l.lower(properties.get(name), at+"/properties/"+escape(name))
		switch {
		case errors.Is(err, errNever) && !isRequired:
			continue
		case err != nil:
			return err
		case !isRequired && l.allRequired:
			p = l.orNull(p)
		}
		lowered.set(name, p)
	}
	if lowered.names != nil || s.has("properties") || l.closed {
		out.set("properties", lowered)
	}
	if err := l.require(s.has("required"), required, lowered, out, also, at); err != nil {
		return err
	}
	switch {
	case l.closed:
		out.set("additionalProperties", jsonFalse)
	case kindOf(extra) == '{':
		schema, err := l.lower(extra, at+"/additionalProperties")
		if err != nil {
			return err
		}
		out.set("additionalProperties", schema)
	case extra != nil:
		out.set("additionalProperties", extra)
	}
	return nil
}

// isMap reports whether an object is there for members that it does not list.
func isMap(s, properties *object) bool {
	extra := s.get("additionalProperties")
	switch {
	case properties == nil:
		return kindOf(extra) != 'f'
	case len(properties.names) > 0:
		return false
	}
	return extra != nil && kindOf(extra) != 'f' || s.has("patternProperties")
}

// require says which members must be there.
func (l *lowering) require(isSaid bool, required []string, lowered, out, also *object, at string) error {
	var known, unknown []string
	for _, name := range required {
		if lowered.has(name) {
			known = append(known, name)
		} else {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		if l.closed {
			return l.fail(at, "requires %q, which is not under its properties: describe it there", unknown[0])
		}
		also.set("required", listOfTexts(unknown))
	}
	if l.allRequired {
		known = appendMissing(known, lowered.names)
	}
	if len(known) > 0 || isSaid && l.allRequired {
		out.set("required", listOfTexts(known))
	}
	return nil
}

// elements lowers the elements of an array.
func (l *lowering) elements(s, out, also *object, at string) error {
	tuple, keyword := list(s.get("prefixItems")), "prefixItems"
	items := s.get("items")
	if t, isTuple := items.([]any); isTuple { // of an older draft
		tuple, keyword, items = t, "items", nil
	}
	if len(tuple) == 0 {
		if kindOf(items) == 'f' {
			items = nil
			also.set("maxItems", jsontext.Value("0"))
		}
		if items == nil {
			if l.typed {
				return l.fail(at, "is an array of anything: describe its elements under items")
			}
			return nil
		}
		schema, err := l.lower(items, at+"/items")
		if err != nil {
			return l.never(err, at+"/items")
		}
		out.set("items", schema)
		return nil
	}
	return l.tuple(tuple, items, out, also, at, keyword)
}

// tuple lowers an array whose first elements have schemas of their own. A
// provider that does not know these takes the elements in any order.
func (l *lowering) tuple(tuple []any, items any, out, also *object, at, keyword string) error {
	var all []any
	for i, v := range tuple {
		schema, err := l.lower(v, at+"/"+keyword+"/"+strconv.Itoa(i))
		if err != nil {
			return l.never(err, at+"/"+keyword+"/"+strconv.Itoa(i))
		}
		all = append(all, schema)
	}
	var rest *object
	if k := kindOf(items); k == '{' || k == 't' && !l.typed {
		var err error
		if rest, err = l.lower(items, at+"/items"); err != nil {
			return l.never(err, at+"/items")
		}
	}
	if l.tuples {
		out.set("prefixItems", all)
		if rest != nil {
			out.set("items", rest)
		}
		return nil
	}
	also.set("prefixItems", tuple)
	if items != nil {
		also.set("items", items)
	}
	var alternatives []any
	for _, v := range all {
		alternatives = addAlternative(alternatives, v.(*object))
	}
	if rest != nil {
		alternatives = addAlternative(alternatives, rest)
	}
	if len(alternatives) == 1 {
		out.set("items", alternatives[0])
		return nil
	}
	either := newObject()
	either.set("anyOf", alternatives)
	out.set("items", either)
	return nil
}
