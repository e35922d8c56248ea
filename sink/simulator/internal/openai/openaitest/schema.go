package openaitest

import (
	"fmt"
	"slices"
	"strings"
)

// Schema is as much of JSON Schema as the description needs.
type Schema struct {
	Ref                  string `json:"$ref"`
	Type                 any
	Enum                 []any
	AnyOf                []*Schema
	Items                *Schema
	Required             []string
	Properties           map[string]*Schema
	AdditionalProperties any
}

// Check returns what is wrong with a value. A property that the schema does not
// name is wrong too, although JSON Schema allows it: it would be made up.
func (s *Schema) Check(all map[string]*Schema, at string, value any) (problems []string) {
	if s.Ref != "" {
		return all[strings.TrimPrefix(s.Ref, "#/components/schemas/")].Check(all, at, value)
	}
	if len(s.AnyOf) > 0 {
		for _, option := range s.AnyOf {
			if problems = option.Check(all, at, value); len(problems) == 0 {
				return nil
			}
		}
		return problems
	}
	if s.Type != nil && !s.hasType(value) {
		return []string{fmt.Sprintf("%s is %v, want %v", at, value, s.Type)}
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, value) {
		problems = append(problems, fmt.Sprintf("%s is %v, want one of %v", at, value, s.Enum))
	}
	switch value := value.(type) {
	case map[string]any:
		for _, name := range s.Required {
			if _, found := value[name]; !found {
				problems = append(problems, at+" has no "+name)
			}
		}
		for name, member := range value {
			if property, known := s.Properties[name]; known {
				problems = append(problems, property.Check(all, at+"."+name, member)...)
			} else if s.AdditionalProperties == nil || s.AdditionalProperties == false {
				problems = append(problems, at+" has "+name)
			}
		}
	case []any:
		for i, element := range value {
			problems = append(problems, s.Items.Check(all, fmt.Sprintf("%s[%d]", at, i), element)...)
		}
	}
	return problems
}

func (s *Schema) hasType(value any) bool {
	names := []any{s.Type}
	if several, isList := s.Type.([]any); isList {
		names = several
	}
	switch value := value.(type) {
	case nil:
		return slices.Contains(names, any("null"))
	case bool:
		return slices.Contains(names, any("boolean"))
	case string:
		return slices.Contains(names, any("string"))
	case float64:
		return slices.Contains(names, any("number")) || (value == float64(int64(value)) && slices.Contains(names, any("integer")))
	case []any:
		return slices.Contains(names, any("array"))
	default:
		return slices.Contains(names, any("object"))
	}
}
