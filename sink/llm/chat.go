// Package llm has the types that all providers of language models share: a
// conversation, a reply and the tokens it took.
package llm

import "encoding/json"

// Chat is a conversation that a model is asked to continue.
type Chat struct {
	Messages []Message
	// MaxTokens bounds the reply. Zero leaves it to the provider.
	MaxTokens int
	// Temperature is sent only if set: some models refuse it.
	Temperature *float64
}

// Message is one turn of a Chat.
type Message struct {
	Role Role
	Text string
}

// Role says who speaks.
type Role string

// The roles of a conversation.
const (
	RoleSystem    Role = "system"
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

// Reply is what a model answered.
type Reply struct {
	// Text is the answer. Of several messages it is the last.
	Text string
	// Other is true if the answer is not text but something else, such as calls
	// of tools or embeddings.
	Other bool
	// Refusal is the model's reason not to answer, "" if it did.
	Refusal string
	// Finish is the provider's word for why the model stopped.
	Finish string
	// Model is the exact model that answered.
	Model string
	Usage Usage
}

// Usage counts tokens as they are billed.
type Usage struct {
	Input       int `json:"input_tokens"`
	CachedInput int `json:"cached_input_tokens,omitempty"` // part of Input
	Output      int `json:"output_tokens"`
	Reasoning   int `json:"reasoning_tokens,omitempty"` // part of Output
}

// Add returns the sum.
func (u Usage) Add(v Usage) Usage {
	u.Input += v.Input
	u.CachedInput += v.CachedInput
	u.Output += v.Output
	u.Reasoning += v.Reasoning
	return u
}

// Codec writes chats and reads replies in the dialect of one provider. The
// provider clients implement it.
type Codec interface {
	// Encode returns the endpoint and the body, on one line, that put the chat
	// to the model. The body should be canonical JSON (RFC 8785), so that it is
	// known to ask the same as one that was written by hand.
	Encode(model string, chat Chat) (endpoint string, body json.RawMessage, err error)
	// Decode reads the body of a row that succeeded. Bodies of endpoints that
	// have no text, such as embeddings, give an empty Text, Other and the
	// usage.
	Decode(body json.RawMessage) (Reply, error)
}
