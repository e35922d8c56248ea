package anthropic

import (
	"maps"
	"slices"
	"strconv"
)

// unsupported are the words of JSON Schema that structured output does not
// know.
var unsupported = []string{
	"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems", "uniqueItems",
	"minProperties", "maxProperties", "patternProperties", "not", "if", "then", "else", "oneOf",
}

// formats are those of texts that it knows.
var formats = []string{"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}

// checkSchema returns the first thing in a schema that structured output does
// not take.
func checkSchema(path string, v any) *apiError {
	schema, isObject := v.(map[string]any)
	if !isObject {
		return invalid("%s: Input should be a valid dictionary or object", path)
	}
	for _, word := range unsupported {
		if _, used := schema[word]; used {
			return invalid("%s: For this schema, '%s' is not supported", path, word)
		}
	}
	format, _ := schema["format"].(string)
	least, _ := schema["minItems"].(float64)
	switch {
	case schema["type"] == "object" && schema["additionalProperties"] != false:
		return invalid("%s: For 'object' type, 'additionalProperties' must be explicitly set to false", path)
	case format != "" && !slices.Contains(formats, format):
		return invalid("%s: format '%s' is not supported", path, format)
	case least > 1:
		return invalid("%s: 'minItems' values other than 0 or 1 are not supported", path)
	}
	return checkInner(path, schema)
}

// checkInner checks the schemas within one.
func checkInner(path string, schema map[string]any) *apiError {
	for _, word := range []string{"properties", "$defs", "definitions"} {
		inner, _ := schema[word].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(inner)) {
			if wrong := checkSchema(path+"."+word+"."+name, inner[name]); wrong != nil {
				return wrong
			}
		}
	}
	for _, word := range []string{"anyOf", "allOf"} {
		inner, _ := schema[word].([]any)
		for i, v := range inner {
			if wrong := checkSchema(path+"."+word+"."+strconv.Itoa(i), v); wrong != nil {
				return wrong
			}
		}
	}
	if items, isSchema := schema["items"].(map[string]any); isSchema {
		return checkSchema(path+".items", items)
	}
	return nil
}
