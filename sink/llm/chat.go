// Package llm has the types that all providers of language models share: a
// conversation, a reply, the tokens it took, and the codec of a provider.
package llm

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
)

// Chat is a conversation that a model is asked to continue. It names no model
// and no provider: a Codec writes it for one of them.
type Chat struct {
	Messages []Message `json:"messages"`
	// Schema is what a structured answer has to look like. Nil means text.
	Schema *Schema `json:"schema,omitempty"`
	// MaxTokens bounds the reply. Zero leaves it to the provider.
	MaxTokens int `json:"max_tokens,omitzero"`
	// Temperature is sent only if set: some models refuse it.
	Temperature *float64 `json:"temperature,omitempty"`
	// Options are further members of the request, by name. Options that mean
	// the same to several providers have the names of OpenAI's chat
	// completions, such as top_p and stop. Those that mean something else
	// elsewhere begin with their provider, such as "anthropic.tools". A
	// provider that does not know one, or does not take it any more, refuses
	// the chat with a RefusedOptionError.
	Options Options `json:"options,omitempty"`
}

// Options are members of a request that are passed through: the name, and the
// value in JSON.
//
// An option is unknown to a codec that has no place for it, and refused by a
// provider that does not take it, or not any more, or not where it stands. Both
// are a RefusedOptionError: the option changes what is asked, so nothing is
// sent without it. A member of a body for which no chat has a place is an
// UnknownMemberError instead. Such a body stays with its provider as it is,
// unless Codec.Check refuses it.
type Options map[string]json.RawMessage

// Schema is what a structured answer has to look like.
type Schema struct {
	// Name is 1 to 64 characters of A-Z, a-z, 0-9, _ and -. Empty means one of
	// the codec's, where the provider asks for a name.
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// JSON is the JSON Schema.
	JSON json.RawMessage `json:"json"`
	// Strict asks the provider to keep to the schema. It gets the schema in the
	// form that it takes (see package schema), so that a Chat can go to any
	// provider. False sends the schema as it is. Nil leaves it to the provider:
	// Anthropic and Gemini always keep to a schema, and get that form; OpenAI
	// and Mistral get the schema as it is.
	Strict *bool `json:"strict,omitempty"`
}

// Equal reports whether two schemas ask for the same in the same words. A nil
// Schema equals another one.
func (s *Schema) Equal(t *Schema) bool {
	if s == nil || t == nil {
		return s == t
	}
	return s.Name == t.Name && s.Description == t.Description && bytes.Equal(s.JSON, t.JSON) &&
		(s.Strict == nil) == (t.Strict == nil) && (s.Strict == nil || *s.Strict == *t.Strict)
}

// Message is one turn of a Chat: its Text, then its Parts.
type Message struct {
	Role  Role   `json:"role"`
	Text  string `json:"text,omitempty"`
	Parts []Part `json:"parts,omitempty"`
}

// Part is a piece of a Message. One of Text, Image, Document and File is set.
type Part struct {
	Text     string `json:"text,omitempty"`
	Image    *File  `json:"image,omitempty"`
	Document *File  `json:"document,omitempty"`
	// File is an image or a document, whichever its Data or the file at its
	// Path turns out to be. A durable job finds out, and so does
	// document.Load. A Codec does not take it.
	File *File `json:"file,omitempty"`
	// Options are further members of the part, such as the detail of an image.
	Options Options `json:"options,omitempty"`
}

// CitationsOption is the option of a document that asks the model to cite it.
const CitationsOption = "citations"

// Cited returns the part with the question to cite it, unless it is a text or
// an image. A// provider that cites no documents refuses the chat. Anthropic's
// refuses it with a Schema: ask for JSON in the prompt, and see package cite.
func (p Part) Cited() Part {
	if p.Document != nil || p.File != nil {
		p.Options = maps.Clone(p.Options)
		if p.Options == nil {
			p.Options = make(Options, 1)
		}
		p.Options[CitationsOption] = json.RawMessage(`{"enabled":true}`)
	}
	return p
}

// Role says who speaks.
type Role string

// The roles of a conversation. An empty Role is RoleUser. A provider without
// RoleDeveloper takes it for RoleSystem.
const (
	RoleSystem    Role = "system"
	RoleDeveloper Role = "developer"
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
)

// Ask is a conversation of one question.
func Ask(text string) Chat {
	return Chat{Messages: []Message{{Role: RoleUser, Text: text}}}
}

// As returns the conversation with instructions for the model in front.
func (c Chat) As(system string) Chat {
	c.Messages = append([]Message{{Role: RoleSystem, Text: system}}, c.Messages...)
	return c
}

// Then returns the conversation with further turns.
func (c Chat) Then(turns ...Message) Chat {
	c.Messages = append(slices.Clip(c.Messages), turns...)
	return c
}

// WithDefaults returns the chat with the options that it does not have. Those
// that a Chat has fields for are max_tokens and temperature: they count as set
// if the field is.
func (c Chat) WithDefaults(defaults Options) Chat {
	if len(defaults) == 0 {
		return c
	}
	all := make(Options, len(defaults)+len(c.Options))
	maps.Copy(all, defaults)
	for name, field := range map[string]any{"max_tokens": &c.MaxTokens, "temperature": &c.Temperature} {
		value, has := all[name]
		delete(all, name)
		has = has && c.Options[name] == nil
		if has && reflect.ValueOf(field).Elem().IsZero() && json.Unmarshal(value, field) != nil {
			all[name] = value // for the codec to refuse
		}
	}
	maps.Copy(all, c.Options)
	c.Options = all
	return c
}
