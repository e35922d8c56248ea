package mistral

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/balerhq/baler/sink/internal/completions"
	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/schema"
)

// ChatEndpoint is the path of the requests that a Codec writes.
const ChatEndpoint = "/v1/chat/completions"

// Codec is the llm.Codec of Mistral's chat completions.
//
// The developer speaks as the system there. A file with an ID has no name
// there, so that File.Name is not sent with it. The option "prefix" makes the
// answer begin with the last message, which has to be the assistant's.
type Codec struct{}

var _ llm.Codec = (*Codec)(nil)

// NewCodec returns a Codec.
func NewCodec() *Codec { return &Codec{} }

// Endpoint implements llm.Codec.
func (*Codec) Endpoint() string { return ChatEndpoint }

// Revision implements llm.Codec.
func (*Codec) Revision() int { return 2 }

// Encode implements llm.Codec. The body is canonical JSON, in which numbers of
// options are as the chat has them. It names the model unless that is empty.
func (*Codec) Encode(model string, chat llm.Chat) (json.RawMessage, error) {
	body, err := format.Encode(model, chat)
	if err != nil {
		return nil, fmt.Errorf("mistral: encode: %w", err)
	}
	return body, nil
}

// barred would make a row of a batch answer piece by piece. A chat has no such
// option.
var barred = wire.Barred{"stream": wire.IsTrue}

// Lower implements llm.Codec.
func (*Codec) Lower(s *llm.Schema) (schema.Lowered, error) { return wire.Lower(s, schema.Mistral) }

// Check implements llm.Codec, for all endpoints.
func (*Codec) Check(endpoint string, body json.RawMessage) error {
	err := barred.Check(body)
	if err == nil && endpoint == ChatEndpoint {
		err = format.Check(body)
	}
	if err != nil {
		return fmt.Errorf("mistral: %w", err)
	}
	return nil
}

// Parse implements llm.Codec, for ChatEndpoint. A body may name no model, as
// the batch does. What official clients write although it is the default comes
// back without it, and the URL of an image without an object around it, both of
// which mean the same.
func (*Codec) Parse(endpoint string, body json.RawMessage) (string, llm.Chat, error) {
	if endpoint != ChatEndpoint {
		return "", llm.Chat{}, fmt.Errorf("mistral: parse: endpoint %q: %w", endpoint, errors.ErrUnsupported)
	}
	body, err := shorten(body)
	if err != nil {
		return "", llm.Chat{}, fmt.Errorf("mistral: parse: %w", err)
	}
	model, chat, err := format.Parse(body)
	if err != nil {
		return model, llm.Chat{}, fmt.Errorf("mistral: parse: %w", err)
	}
	return model, chat, nil
}

// Decode implements llm.Codec. It reads the answers of all endpoints.
func (*Codec) Decode(body json.RawMessage) (llm.Reply, error) {
	reply, err := completions.Decode(body)
	if err != nil {
		return llm.Reply{}, fmt.Errorf("mistral: decode: %w", err)
	}
	return reply, nil
}
