package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Lowered is a schema as a provider takes it.
type Lowered struct {
	JSON json.RawMessage
	// Moved are the paths of what the provider cannot express: it is in a
	// description, and only the check of the answer goes by it.
	Moved []string
	// Warnings say what the provider may refuse.
	Warnings []string
}

// UnsupportedError says that a schema has no form that a provider takes.
type UnsupportedError struct {
	Provider string
	Path     string // in the schema, such as "#/properties/tags"
	Reason   string // goes on after the path, and says what to do
}

// Error implements error.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("the schema cannot be sent to %s: %s %s", e.Provider, e.Path, e.Reason)
}

// errNever is why a part of a schema is left out: no value meets it.
var errNever = errors.New("takes no value at all")

// Lower writes a schema as the provider takes it. A schema that is in that form
// comes back as it is. The members of objects keep their order. The error is an
// *UnsupportedError if there is no such form.
func (d *Dialect) Lower(schema []byte) (Lowered, error) {
	if l, ok := recent.get(d, schema); ok {
		return l, nil
	}
	l, err := d.lower(schema)
	if err == nil {
		recent.put(d, schema, l)
	}
	return l, err
}

func (d *Dialect) lower(schema []byte) (Lowered, error) {
	root, err := parse(schema)
	if err != nil {
		return Lowered{}, err
	}
	l := &lowering{Dialect: d, root: root, queued: make(map[string]bool), inlined: make(map[string]int)}
	out, err := l.document()
	if err != nil {
		return Lowered{}, err
	}
	warnings, err := d.check(out)
	if err != nil {
		return Lowered{}, err
	}
	if same(root, out) {
		out = root.(*object)
	}
	return Lowered{JSON: appendJSON(nil, out), Moved: l.moved, Warnings: warnings}, nil
}

// lowering is the work on one schema.
type lowering struct {
	*Dialect
	root    any
	queue   []string // definitions that were referred to, in order
	queued  map[string]bool
	inlined map[string]int // references whose target is being lowered in their place
	moved   []string
	steps   int
}

// maxSteps bounds how large a schema becomes when references are written out
// where they stand.
const maxSteps = 20_000

func (l *lowering) fail(at, format string, args ...any) error {
	return &UnsupportedError{Provider: l.name, Path: at, Reason: fmt.Sprintf(format, args...)}
}

// document lowers the root and the definitions that it needs.
func (l *lowering) document() (*object, error) {
	out, err := l.lowerRoot()
	if err != nil {
		return nil, err
	}
	all := newObject()
	for len(l.queue) > 0 {
		name, at := l.queue[0], definitionPath(l.queue[0])
		l.queue = l.queue[1:]
		target, err := l.resolve(at, at)
		if err != nil {
			return nil, err
		}
		lowered, err := l.lower(target, at)
		if err != nil {
			return nil, l.never(err, at)
		}
		all.set(name, lowered)
	}
	needed := newObject() // what only a part refers to that is left out is not
	addNeeded(needed, out, all)
	if len(needed.names) > 0 {
		out.set("$defs", needed)
	}
	return out, nil
}

// addNeeded adds the definitions that a lowered schema refers to.
func addNeeded(needed, s, all *object) {
	if token, ok := strings.CutPrefix(textOf(s.get("$ref")), definitions); ok {
		name := unescape(token)
		if !needed.has(name) {
			target := all.get(name).(*object)
			needed.set(name, target)
			addNeeded(needed, target, all)
		}
	}
	for _, inner := range parts(s) {
		addNeeded(needed, inner.schema, all)
	}
}

// never turns errNever into what the user reads.
func (l *lowering) never(err error, at string) error {
	if errors.Is(err, errNever) {
		return l.fail(at, "%v: see whether its keywords contradict each other", errNever)
	}
	return err
}

func (l *lowering) lowerRoot() (*object, error) {
	const at = "#"
	root := l.root
	for seen := map[string]bool{}; ; {
		s, isObject := root.(*object)
		ref := ""
		if isObject && len(s.without(notOfReference...).names) == 1 {
			ref = textOf(s.get("$ref"))
		}
		if ref == "" {
			break
		}
		if seen[ref] {
			return nil, l.fail(at, "refers to itself: write what it is")
		}
		seen[ref] = true
		var err error
		if root, err = l.resolve(ref, at); err != nil {
			return nil, err
		}
	}
	if s, isObject := root.(*object); isObject && l.objectRoot {
		root = l.narrowRoot(s)
	}
	out, err := l.lower(root, at)
	if err != nil {
		return nil, l.never(err, at)
	}
	if t := textOf(out.get("type")); l.objectRoot && t != "object" {
		return nil, l.fail(at, "must be an object: make the answer a member of one")
	}
	return out, nil
}

// narrowRoot makes an object of a root that may also be null, or whose
// alternatives say only which of its members go together.
func (l *lowering) narrowRoot(s *object) *object {
	if !s.has("properties") {
		return s
	}
	s = s.clone()
	if slices.Contains(texts(s.get("type")), "object") {
		s.set("type", quote("object"))
	}
	also := newObject()
	for _, name := range []string{"anyOf", "oneOf"} {
		if s.has(name) {
			also.set(name, s.get(name))
			s.remove(name)
		}
	}
	if len(also.names) > 0 {
		s.set(alsoKeyword, append(slices.Clone(list(s.get(alsoKeyword))), also))
	}
	return s
}

// alsoKeyword collects what has no place beside a keyword of the same name. It
// is no keyword of any schema.
const alsoKeyword = "\x00also"

// lower lowers a schema. The result shares nothing with it that changes.
func (l *lowering) lower(v any, at string) (*object, error) {
	if l.steps++; l.steps > maxSteps {
		return nil, l.fail(at, "is where the schema has more than %d parts once its references are written out: let references stand alone", maxSteps)
	}
	s, err := l.asObject(v, at)
	if err != nil {
		return nil, err
	}
	s, inlined, err := l.flatten(s, at)
	if err != nil {
		return nil, err
	}
	l.mark(inlined, 1)
	defer l.mark(inlined, -1)
	switch {
	case s.has("$ref"):
		return l.reference(textOf(s.get("$ref")), at)
	case s.has("anyOf") || s.has("oneOf"):
		return l.union(s, at)
	}
	return l.value(s, at)
}

// mark counts references that are written out where they stand.
func (l *lowering) mark(refs []string, n int) {
	for _, ref := range refs {
		l.inlined[ref] += n
	}
}

func (l *lowering) asObject(v any, at string) (*object, error) {
	switch kindOf(v) {
	case '{':
		return v.(*object), nil
	case 't':
		return newObject(), nil
	case 'f':
		return nil, errNever
	}
	return nil, l.fail(at, "is no schema: must be an object, true or false")
}

// union lowers alternatives. What stands beside them goes into each.
func (l *lowering) union(s *object, at string) (*object, error) {
	keyword := "anyOf"
	if !s.has(keyword) {
		keyword = "oneOf"
		l.moved = append(l.moved, at+"/oneOf") // that only one fits is checked afterwards
	} else if s.has("oneOf") {
		s = also(s, "oneOf", s.get("oneOf")).without("oneOf")
	}
	out := newObject()
	copyMembers(out, s, "title", "description")
	beside := s.without(keyword, "title", "description")
	beside.remove(beside.namesIn(annotations)...)
	var all []any
	for i, branch := range list(s.get(keyword)) {
		if len(beside.names) > 0 {
			both := newObject()
			both.set("allOf", []any{beside, branch})
			branch = both
		}
		lowered, err := l.lower(branch, fmt.Sprintf("%s/%s/%d", at, keyword, i))
		if errors.Is(err, errNever) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = addAlternative(all, lowered)
	}
	switch len(all) {
	case 0:
		return nil, errNever
	case 1:
		only := all[0].(*object)
		if len(out.names) == 0 {
			return only, nil
		}
		if !only.has("$ref") {
			return describe(only, out), nil
		}
	}
	out.set("anyOf", all)
	return out, nil
}

// namesIn returns the members whose names are in a set.
func (o *object) namesIn(names map[string]bool) (all []string) {
	for _, name := range o.names {
		if names[name] {
			all = append(all, name)
		}
	}
	return all
}

// addAlternative appends an alternative that is not there yet. Those of an
// alternative that is nothing but a union are added one by one.
func addAlternative(all []any, s *object) []any {
	if len(s.names) == 1 && s.has("anyOf") {
		for _, inner := range list(s.get("anyOf")) {
			all = addAlternative(all, inner.(*object))
		}
		return all
	}
	if contains(all, s) {
		return all
	}
	return append(all, s)
}

// describe returns a schema with the title and the description of another.
func describe(s, from *object) *object {
	s = s.clone()
	if from.has("title") {
		s.set("title", from.get("title"))
	}
	if text := textOf(from.get("description")); text != "" {
		s.set("description", quote(joinLines(text, textOf(s.get("description")))))
	}
	return s
}

func joinLines(texts ...string) string {
	texts = slices.DeleteFunc(texts, func(text string) bool { return text == "" })
	return strings.Join(texts, "\n")
}

func copyMembers(to, from *object, names ...string) {
	for _, name := range names {
		if from.has(name) {
			to.set(name, from.get(name))
		}
	}
}
