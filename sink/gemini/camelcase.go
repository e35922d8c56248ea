package gemini

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/internal/wire"
)

// camelCase returns a body with the names of the API in camel case. Names
// within options, such as those of a schema, stay as they are.
func camelCase(body json.RawMessage) (json.RawMessage, error) {
	if bytes.IndexByte(body, '_') < 0 {
		return body, nil
	}
	request, err := wire.ReadBody(body)
	if err != nil {
		return nil, err
	}
	top := camelNames(request)
	top.each("generationConfig", func(v jsontext.Value) any { return inner(v, camelNames) })
	top.each("systemInstruction", camelContent)
	top.each("contents", func(v jsontext.Value) any { return list(v, camelContent) })
	return wire.Body(wire.Fields(top))
}

// named is an object whose names are in camel case.
type named wire.Fields

// each replaces a member, if it is there.
func (n named) each(name string, by func(jsontext.Value) any) {
	if v, isThere := n[name].(jsontext.Value); isThere {
		n[name] = by(v)
	}
}

func camelContent(v jsontext.Value) any {
	return inner(v, func(content wire.Object) named {
		n := camelNames(content)
		n.each("parts", func(v jsontext.Value) any { return list(v, camelPart) })
		return n
	})
}

func camelPart(v jsontext.Value) any {
	return inner(v, func(part wire.Object) named {
		n := camelNames(part)
		for _, name := range []string{"inlineData", "fileData", "videoMetadata", "mediaResolution"} {
			n.each(name, func(v jsontext.Value) any { return inner(v, camelNames) })
		}
		return n
	})
}

// inner applies a function to an object, and returns anything else as it is.
func inner(v jsontext.Value, names func(wire.Object) named) any {
	if v.Kind() != '{' {
		return v
	}
	return names(wire.Members(v))
}

func list(v jsontext.Value, each func(jsontext.Value) any) any {
	if v.Kind() != '[' {
		return v
	}
	all := []any{}
	for _, item := range wire.List(v) {
		all = append(all, each(item))
	}
	return all
}

// camelNames renames the members of an object. A member that is there in both
// cases keeps its name, so that it is not known.
func camelNames(o wire.Object) named {
	n := make(named, len(o))
	for name, value := range o {
		camel := camelName(name)
		if _, isTwice := o[camel]; isTwice {
			camel = name
		}
		if _, isTwice := n[camel]; isTwice {
			camel = name
		}
		n[camel] = value
	}
	return n
}

func camelName(snake string) string {
	words := strings.Split(snake, "_")
	for i, word := range words[1:] {
		if word == "" || word[0] < 'a' || word[0] > 'z' {
			return snake
		}
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	if words[0] == "" {
		return snake
	}
	return strings.Join(words, "")
}
