package anthropic

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/sink/llm"
)

// cacheOption is the option that marks what is to be cached.
const cacheOption = "cache_control"

// hourMark keeps what is cached for an hour, because the rows of a batch run
// within minutes or hours.
var hourMark = json.RawMessage(`{"type":"ephemeral","ttl":"1h"}`)

// caching implements sink.PromptCaching.
type caching struct{}

// PromptCache implements sink.PromptCaching, as
// https://docs.claude.com/en/docs/build-with-claude/prompt-caching has it. A
// model that is not known there needs as much as the ones that need most.
func (caching) PromptCache(model string) llm.PromptCache {
	c := llm.PromptCache{MinTokens: 4096, Life: time.Hour}
	for _, known := range []struct {
		prefix string
		least  int
	}{
		{"claude-3-haiku", 2048},
		{"claude-3-5-haiku", 2048},
		{"claude-3", 1024},
		{"claude-sonnet-4-6", 2048},
		{"claude-sonnet-4", 1024},
		{"claude-opus-4-5", 4096},
		{"claude-opus-4-6", 4096},
		{"claude-opus-4", 1024},
	} {
		if strings.HasPrefix(model, known.prefix) {
			c.MinTokens = known.least
			break
		}
	}
	return c
}

// MarkPrefix implements llm.PrefixMarker. The mark asks for an hour.
func (c *Codec) MarkPrefix(chat llm.Chat) llm.Chat {
	prefix, ok := chat.Prefix()
	if !ok || isMarked(&chat) {
		return chat
	}
	at := len(prefix.Messages) - 1
	if m := &prefix.Messages[at]; len(m.Parts) == 0 && m.Text == "" {
		return chat // an empty text cannot be marked
	}
	chat.Messages = slices.Clone(chat.Messages)
	chat.Messages[at] = marked(chat.Messages[at], len(prefix.Messages[at].Parts))
	return chat
}

// marked returns a message with a mark on its text, or on the last of so many
// parts.
func marked(m llm.Message, parts int) llm.Message {
	m.Parts = slices.Clone(m.Parts)
	if parts == 0 {
		m.Parts, m.Text = slices.Insert(m.Parts, 0, llm.Part{Text: m.Text}), ""
		parts = 1
	}
	p := &m.Parts[parts-1]
	p.Options = maps.Clone(p.Options)
	if p.Options == nil {
		p.Options = make(llm.Options, 1)
	}
	p.Options[cacheOption] = hourMark
	return m
}

func isMarked(chat *llm.Chat) bool {
	if chat.Options[cacheOption] != nil {
		return true
	}
	for i := range chat.Messages {
		for _, p := range chat.Messages[i].Parts {
			if p.Options[cacheOption] != nil {
				return true
			}
		}
	}
	return false
}
