package anthropic

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
)

// MessagesEndpoint is the path of the requests that a Codec writes.
const MessagesEndpoint = "/v1/messages"

// DefaultMaxTokens bounds the reply to a chat that does not say how long it may
// be, as Anthropic asks for a bound. Every current model can write as much.
const DefaultMaxTokens = 8192

// Codec is the llm.Codec of Anthropic's messages.
//
// It sends what a chat asks for. API versions from 2026-10-21 on refuse a row
// with a temperature, top_p or top_k. A schema has no name there, and is always
// kept to, so that Schema.Name and Strict are not sent.
type Codec struct{}

var _ llm.Codec = (*Codec)(nil)

// NewCodec returns a Codec.
func NewCodec() *Codec { return &Codec{} }

// Endpoint implements llm.Codec.
func (c *Codec) Endpoint() string { return MessagesEndpoint }

// Revision implements llm.Codec.
func (c *Codec) Revision() int { return 1 }

// Encode implements llm.Codec. The body is canonical JSON, in which numbers of
// options are as the chat has them.
func (c *Codec) Encode(model string, chat llm.Chat) (json.RawMessage, error) {
	body, err := c.encode(model, chat)
	if err != nil {
		return nil, fmt.Errorf("anthropic: encode: %w", err)
	}
	return body, nil
}

// Parse implements llm.Codec, for MessagesEndpoint.
func (c *Codec) Parse(endpoint string, body json.RawMessage) (string, llm.Chat, error) {
	if endpoint != MessagesEndpoint {
		return "", llm.Chat{}, fmt.Errorf("anthropic: parse: endpoint %q: %w", endpoint, errors.ErrUnsupported)
	}
	request, err := wire.ReadBody(body)
	if err != nil {
		return "", llm.Chat{}, fmt.Errorf("anthropic: parse: %w", err)
	}
	model, chat := request.Text("model"), parse(request)
	encoded, err := c.encode(model, chat)
	if err == nil {
		err = wire.Confirm(body, encoded)
	}
	if err != nil {
		return model, llm.Chat{}, fmt.Errorf("anthropic: parse: %w", err)
	}
	return model, chat, nil
}
