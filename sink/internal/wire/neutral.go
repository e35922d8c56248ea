package wire

import (
	"maps"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/llm"
)

// Neutral moves options of other endpoints to where a chat has a place for
// them, unless they are among the names of this one. So a chat that was parsed
// from one endpoint can be encoded for another.
func (n Names) Neutral(chat llm.Chat) llm.Chat {
	has := func(name string) bool {
		_, isKnown := n[name]
		return chat.Options[name] != nil && !isKnown
	}
	limit, instructions, format := has("max_tokens"), has("instructions"), has(ResponseFormat)
	if !limit && !instructions && !format {
		return chat
	}
	options := maps.Clone(chat.Options)
	if n := Integer(jsontext.Value(options["max_tokens"])); limit && n > 0 && chat.MaxTokens == 0 {
		chat.MaxTokens = n
		delete(options, "max_tokens")
	}
	if text := Text(jsontext.Value(options["instructions"])); instructions && text != "" {
		chat = chat.As(text)
		delete(options, "instructions")
	}
	if format && Format(options[ResponseFormat]) == FormatText {
		delete(options, ResponseFormat)
	}
	chat.Options = options
	return chat
}

// The formats of answers that need no schema.
const (
	FormatText   = "text"
	FormatObject = "json_object"
)

// Format returns the type of an answer's format if that is all that it says, ""
// otherwise.
func Format(format []byte) string {
	members := Members(jsontext.Value(format))
	switch kind := members.Text("type"); {
	case len(members) != 1:
		return ""
	case kind == FormatText, kind == FormatObject:
		return kind
	}
	return ""
}

// Stops returns options whose stop is a list, which some providers ask for.
func Stops(options llm.Options) llm.Options {
	stop := jsontext.Value(options["stop"])
	if stop == nil || stop.Kind() == '[' {
		return options
	}
	options = maps.Clone(options)
	delete(options, "stop")
	if stop.Kind() != 'n' {
		options["stop"] = append(append([]byte("["), stop...), ']')
	}
	return options
}
