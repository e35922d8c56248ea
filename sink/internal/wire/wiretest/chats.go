package wiretest

import (
	"encoding/json"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/balerhq/baler/sink/llm"
)

// Shape says which chats a provider takes.
type Shape struct {
	System, Roles       []llm.Role // of the first message, which may be missing, and of others
	Schemas             []llm.Schema
	Options             map[string]string // values in JSON
	TextOptions         map[string]string
	Images, Documents   []llm.File
	ImageOptions        map[string]string
	DocumentOptions     map[string]string
	Limit               int  // the least limit of tokens
	OneTextIsNoListHere bool // a message of one text part is written like a text
}

// Chats generates chats as Parse returns them.
func (s *Shape) Chats() *rapid.Generator[llm.Chat] {
	return rapid.Custom(func(t *rapid.T) llm.Chat {
		var chat llm.Chat
		if len(s.System) > 0 && rapid.Bool().Draw(t, "system") {
			role := rapid.SampledFrom(s.System).Draw(t, "role")
			chat.Messages = append(chat.Messages, s.message(t, role, false))
		}
		for range rapid.IntRange(1, 3).Draw(t, "messages") {
			role := rapid.SampledFrom(s.Roles).Draw(t, "role")
			chat.Messages = append(chat.Messages, s.message(t, role, role == llm.RoleUser))
		}
		chat.MaxTokens = rapid.IntRange(s.Limit, 1000).Draw(t, "limit")
		if rapid.Bool().Draw(t, "warm") {
			warmth := rapid.Float64Range(0, 2).Draw(t, "temperature")
			chat.Temperature = &warmth
		}
		if len(s.Schemas) > 0 && rapid.Bool().Draw(t, "structured") {
			schema := rapid.SampledFrom(s.Schemas).Draw(t, "schema")
			chat.Schema = &schema
		}
		chat.Options = options(t, s.Options)
		return chat
	})
}

func (s *Shape) message(t *rapid.T, role llm.Role, files bool) llm.Message {
	m := llm.Message{Role: role}
	if rapid.Bool().Draw(t, "plain") {
		m.Text = rapid.String().Draw(t, "text")
		return m
	}
	for range rapid.IntRange(1, 3).Draw(t, "parts") {
		m.Parts = append(m.Parts, s.part(t, files))
	}
	if s.OneTextIsNoListHere && len(m.Parts) == 1 && m.Parts[0].Image == nil && m.Parts[0].Document == nil {
		m.Parts = append(m.Parts, llm.Part{Text: "more"})
	}
	return m
}

func (s *Shape) part(t *rapid.T, files bool) llm.Part {
	kind := rapid.IntRange(0, 2).Draw(t, "kind")
	switch {
	case files && kind == 1 && len(s.Images) > 0:
		file := rapid.SampledFrom(s.Images).Draw(t, "image")
		return llm.Part{Image: &file, Options: options(t, s.ImageOptions)}
	case files && kind == 2 && len(s.Documents) > 0:
		file := rapid.SampledFrom(s.Documents).Draw(t, "document")
		return llm.Part{Document: &file, Options: options(t, s.DocumentOptions)}
	}
	return llm.Part{Text: rapid.String().Draw(t, "text"), Options: options(t, s.TextOptions)}
}

// options draws some of the options.
func options(t *rapid.T, from map[string]string) llm.Options {
	if len(from) == 0 {
		return nil
	}
	drawn := llm.Options{}
	names := slices.Sorted(maps.Keys(from))
	for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID[string]).Draw(t, "options") {
		drawn[name] = json.RawMessage(from[name])
	}
	return drawn
}
