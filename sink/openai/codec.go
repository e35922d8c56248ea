package openai

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/balerhq/baler/sink/internal/completions"
	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/schema"
)

const (
	chatEndpoint      = "/v1/chat/completions"
	responsesEndpoint = "/v1/responses"
)

// Codec is the llm.Codec of OpenAI's chat completions, or of its responses. The
// zero Codec writes chat completions.
type Codec struct{ endpoint string }

var _ llm.Codec = (*Codec)(nil)

// NewCodec returns a Codec that writes chats for an endpoint:
// "/v1/chat/completions" or "/v1/responses". An empty endpoint means
// "/v1/chat/completions". It reads bodies and answers of both.
func NewCodec(endpoint string) (*Codec, error) {
	if !hasChats(endpoint) {
		return nil, fmt.Errorf("openai: the endpoint %q has no chats: must be %s or %s", endpoint, chatEndpoint, responsesEndpoint)
	}
	return &Codec{endpoint}, nil
}

func hasChats(endpoint string) bool { return formats[cmp.Or(endpoint, chatEndpoint)] != nil }

// Endpoint implements llm.Codec.
func (c *Codec) Endpoint() string { return cmp.Or(c.endpoint, chatEndpoint) }

// Revision implements llm.Codec.
func (c *Codec) Revision() int { return 2 }

// Encode implements llm.Codec. The body is canonical JSON, in which numbers of
// options are as the chat has them, and members of a schema keep their order.
func (c *Codec) Encode(model string, chat llm.Chat) (json.RawMessage, error) {
	if err := barred.CheckOptions(chat.Options); err != nil {
		return nil, fmt.Errorf("openai: encode: %w", err)
	}
	body, err := formats[c.Endpoint()].Encode(model, chat)
	if err != nil {
		return nil, fmt.Errorf("openai: encode: %w", err)
	}
	return body, nil
}

// barred would make a row of a batch answer piece by piece, or later.
var barred = wire.Barred{"background": wire.IsTrue, "stream": wire.IsTrue, "stream_options": wire.IsSet}

// Lower implements llm.Codec.
func (*Codec) Lower(s *llm.Schema) (schema.Lowered, error) { return wire.Lower(s, schema.OpenAI) }

// Check implements llm.Codec, for all endpoints.
func (*Codec) Check(endpoint string, body json.RawMessage) error {
	err := barred.Check(body)
	if f := formats[endpoint]; err == nil && f != nil {
		err = f.Check(body)
	}
	if err != nil {
		return fmt.Errorf("openai: %w", err)
	}
	return nil
}

// Parse implements llm.Codec, for "/v1/chat/completions" and "/v1/responses",
// whichever of them Encode writes for.
func (c *Codec) Parse(endpoint string, body json.RawMessage) (string, llm.Chat, error) {
	f := formats[endpoint]
	if f == nil {
		return "", llm.Chat{}, fmt.Errorf("openai: parse: endpoint %q: %w", endpoint, errors.ErrUnsupported)
	}
	model, chat, err := f.Parse(body)
	if err != nil {
		return model, llm.Chat{}, fmt.Errorf("openai: parse: %w", err)
	}
	return model, chat, nil
}

// Decode implements llm.Codec. It reads the answers of all endpoints.
func (c *Codec) Decode(body json.RawMessage) (llm.Reply, error) {
	reply, err := completions.Decode(body)
	if err != nil {
		return llm.Reply{}, fmt.Errorf("openai: decode: %w", err)
	}
	return reply, nil
}
