package llm

import (
	"slices"
	"time"
)

// PromptCache says how a provider caches the beginnings of prompts. Hits are
// never certain. The zero PromptCache is that of a provider of which no cache
// is known.
type PromptCache struct {
	// MinTokens is how many tokens a beginning must have.
	MinTokens int
	// Life is for how long it is kept after it was used last.
	Life time.Duration
}

// PrefixMarker is a Codec of a provider that caches only what a request marks.
type PrefixMarker interface {
	// MarkPrefix returns the chat with a mark at the end of its Prefix, or as
	// it is if it has a mark already, or no Prefix.
	MarkPrefix(chat Chat) Chat
}

// Prefix returns the beginning of a chat that others may share: all but the
// last part of its last message, which is its text if it has no parts. It
// reports false if that leaves no message. MaxTokens and Temperature are no
// part of it.
func (c Chat) Prefix() (Chat, bool) {
	last := len(c.Messages) - 1
	if last < 0 {
		return Chat{}, false
	}
	c.MaxTokens, c.Temperature = 0, nil
	m := c.Messages[last]
	c.Messages = slices.Clone(c.Messages[:last])
	if n := len(m.Parts); n > 1 || n == 1 && m.Text != "" {
		m.Parts = m.Parts[:n-1]
		c.Messages = append(c.Messages, m)
	}
	return c, len(c.Messages) > 0
}
