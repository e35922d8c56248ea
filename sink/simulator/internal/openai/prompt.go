package openai

import "github.com/balerhq/baler/sink/simulator/internal/scan"

// Prompt returns the text that p asks about.
func (p params) Prompt() string {
	for _, value := range [][]byte{p.messages, p.input, p.prompt} {
		if text := lastText(value); text != "" {
			return text
		}
	}
	return ""
}

// lastText returns the last text in value: a string, or the last that speaks in
// a list of messages or content parts, but not the words of a system or an
// assistant.
func lastText(value []byte) (text string) {
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
		return lastText(content)
	}
	s, _ := scan.Unquote(text)
	return s
}
