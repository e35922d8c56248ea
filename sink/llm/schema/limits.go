package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// check counts what a lowered schema has, and looks for definitions that
// contain themselves.
func (d *Dialect) check(root *object) (warnings []string, err error) {
	if err := d.checkCycles(root); err != nil {
		return nil, err
	}
	c := &counts{limits: &d.limits, root: root, depths: make(map[string]int)}
	c.count(root)
	c.deepest = c.depth(root)
	for _, limit := range []struct {
		what     string
		n, limit int
		advice   string
	}{
		{"levels of objects", c.deepest, d.levels, "flatten it"},
		{"properties", c.properties, d.properties, "ask for less at a time"},
		{"values in enums", c.enums, d.enums, "take a string and check it afterwards"},
		{"characters in names and enums", c.names, d.names, "shorten them"},
		{"characters in one enum", c.longest, d.longEnumChars, "take a string and check it afterwards"},
		{"members that may be absent", c.optional, d.optional, "require some of them"},
		{"values of several types", c.unions, d.unions, "give each one type"},
	} {
		if limit.limit > 0 && limit.n > limit.limit {
			reason := fmt.Sprintf("has %d %s, and %d are allowed: %s", limit.n, limit.what, limit.limit, limit.advice)
			return nil, &UnsupportedError{Provider: d.name, Path: "#", Reason: reason}
		}
	}
	if d.manyLevels > 0 && c.deepest > d.manyLevels {
		warnings = append(warnings, fmt.Sprintf("the schema has %d levels of objects: some models of %s take no more than %d", c.deepest, d.name, d.manyLevels))
	}
	return warnings, nil
}

type counts struct {
	*limits
	root                                                *object
	depths                                              map[string]int // of definitions
	deepest                                             int
	properties, enums, names, longest, optional, unions int
}

// count counts in a schema and all schemas in it.
func (c *counts) count(s *object) {
	if properties, ok := s.get("properties").(*object); ok {
		required := texts(s.get("required"))
		c.properties += len(properties.names)
		for _, name := range properties.names {
			c.names += utf8.RuneCountInString(name)
			if !slices.Contains(required, name) {
				c.optional++
			}
		}
	}
	if definitions, ok := s.get("$defs").(*object); ok {
		for _, name := range definitions.names {
			c.names += utf8.RuneCountInString(name)
		}
	}
	c.countEnum(list(s.get("enum")))
	if s.has("const") {
		c.names += utf8.RuneCountInString(textOf(s.get("const")))
	}
	if s.has("anyOf") || kindOf(s.get("type")) == '[' {
		c.unions++
	}
	for _, inner := range parts(s) {
		c.count(inner.schema)
	}
}

func (c *counts) countEnum(values []any) {
	n := 0
	for _, v := range values {
		n += utf8.RuneCountInString(textOf(v))
	}
	c.enums += len(values)
	c.names += n
	if len(values) > c.longEnum {
		c.longest = max(c.longest, n)
	}
}

// depth is how many objects are in each other. A definition that contains
// itself counts once.
func (c *counts) depth(s *object) int {
	deepest, own := 0, 0
	if slices.Contains(typesOf(s.get("type")), "object") {
		own = 1
	}
	if name, ok := strings.CutPrefix(textOf(s.get("$ref")), definitions); ok {
		definition, _ := find(c.root, "/$defs/"+name)
		target, isSchema := definition.(*object)
		depth, isKnown := c.depths[name]
		if !isKnown && isSchema {
			c.depths[name] = 0
			depth = c.depth(target)
			c.depths[name] = depth
		}
		return depth
	}
	for _, inner := range parts(s) {
		if inner.keyword != "$defs" {
			deepest = max(deepest, c.depth(inner.schema))
		}
	}
	return own + deepest
}

// part is a schema in a lowered schema.
type part struct {
	keyword  string
	schema   *object
	optional bool // a member that may be absent
	at       string
}

// parts returns the schemas that are directly in a lowered schema.
func parts(s *object) (all []part) {
	required := texts(s.get("required"))
	for _, keyword := range []string{"properties", "$defs"} {
		if named, ok := s.get(keyword).(*object); ok {
			for _, name := range named.names {
				optional := keyword == "properties" && !slices.Contains(required, name)
				all = append(all, part{keyword, named.get(name).(*object), optional, "/" + keyword + "/" + escape(name)})
			}
		}
	}
	for _, keyword := range []string{"items", "additionalProperties"} {
		if inner, ok := s.get(keyword).(*object); ok {
			all = append(all, part{keyword, inner, keyword == "additionalProperties", "/" + keyword})
		}
	}
	for _, keyword := range []string{"anyOf", "prefixItems"} {
		for i, inner := range list(s.get(keyword)) {
			all = append(all, part{keyword, inner.(*object), false, "/" + keyword + "/" + strconv.Itoa(i)})
		}
	}
	return all
}

// checkCycles refuses definitions that contain themselves in a way that the
// provider does not take.
func (d *Dialect) checkCycles(root *object) error {
	if d.cycles == anyCycle {
		return nil
	}
	all, _ := root.get("$defs").(*object)
	if all == nil {
		return nil
	}
	state := make(map[string]int) // 1: being visited, 2: done
	var visit func(s *object, at string) error
	visit = func(s *object, at string) error {
		if name, ok := strings.CutPrefix(textOf(s.get("$ref")), definitions); ok {
			name = unescape(name)
			switch state[name] {
			case 1:
				reason := "contains itself, which is not taken: say how deep it goes"
				if d.cycles == optionalCycle {
					reason = "contains itself where a value is required, which is not taken: let it be absent"
				}
				return &UnsupportedError{Provider: d.name, Path: at, Reason: reason}
			case 2:
				return nil
			}
			state[name] = 1
			defer func() { state[name] = 2 }()
			return visit(all.get(name).(*object), definitionPath(name))
		}
		for _, inner := range parts(s) {
			if inner.keyword == "$defs" || inner.optional && d.cycles == optionalCycle {
				continue
			}
			if err := visit(inner.schema, at+inner.at); err != nil {
				return err
			}
		}
		return nil
	}
	for _, name := range all.names {
		if err := visit(referenceTo(definitionPath(name)), definitionPath(name)); err != nil {
			return err
		}
	}
	return nil
}
