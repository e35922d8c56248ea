// Package chatform reads what requests of OpenAI's form ask, and writes what the
// answers of several protocols have in common.
package chatform

import "github.com/balerhq/baler/sink/simulator/internal/scan"

// LastText returns the last text in value: a string, or the last that speaks in
// a list of messages or content parts, but not the words of a system or an
// assistant.
func LastText(value []byte) (text string) {
	if s, isString := scan.Unquote(value); isString {
		return s
	}
	scan.Elements(value, func(element []byte) {
		if s := elementText(element); s != "" {
			text = s
		}
	})
	return text
}

func elementText(element []byte) string {
	if s, isString := scan.Unquote(element); isString {
		return s
	}
	var role, content, text []byte
	scan.Members(element, func(key, value []byte) {
		switch string(key) {
		case "role":
			role = value
		case "content":
			content = value
		case "text":
			text = value
		}
	})
	if role != nil && string(role) != `"user"` {
		return ""
	}
	if content != nil {
		return LastText(content)
	}
	s, _ := scan.Unquote(text)
	return s
}

// Inputs returns the inputs of a request: one string, or a list of strings or
// token lists. A list of numbers or of content parts is one input.
func Inputs(input []byte) (inputs [][]byte) {
	isList := scan.Elements(input, func(element []byte) { inputs = append(inputs, element) })
	if !isList || (len(inputs) > 0 && inputs[0][0] != '"' && inputs[0][0] != '[') {
		return [][]byte{input}
	}
	return inputs
}
