package anthropic

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/schema"
)

// MessagesEndpoint is the path of the requests that a Codec writes.
const MessagesEndpoint = "/v1/messages"

// DefaultMaxTokens bounds the reply to a chat that does not say how long it may
// be, as Anthropic asks for a bound. Every current model can write as much.
const DefaultMaxTokens = 8192

// Codec is the llm.Codec of Anthropic's messages.
//
// Version20261021 takes no temperature, top_p or top_k, no document in a turn
// of the assistant, and no citations on a text of the user. Such a chat or body
// is refused. A schema has no name at Anthropic, and is always kept to, so that
// Schema.Name and Strict are not sent. If Strict is false, the schema is sent
// as it is: such is that of a body which is not in the form that Encode writes.
//
// The zero Codec writes for Version20261021.
type Codec struct{ version string }

var _ llm.Codec = (*Codec)(nil)

// NewCodec returns a Codec that writes for a version of the API. An empty
// version means Version20261021.
func NewCodec(version string) (*Codec, error) {
	c := &Codec{version}
	if revisions[c.Version()] == 0 {
		return nil, fmt.Errorf("anthropic: the API version %q is not known: must be %s or %s", version, Version20261021, Version20230601)
	}
	return c, nil
}

// Endpoint implements llm.Codec.
func (c *Codec) Endpoint() string { return MessagesEndpoint }

// Revision implements llm.Codec. It differs by version.
func (c *Codec) Revision() int { return revisions[c.Version()] }

// Encode implements llm.Codec. The body is canonical JSON, in which numbers of
// options are as the chat has them.
func (c *Codec) Encode(model string, chat llm.Chat) (json.RawMessage, error) {
	if err := c.checkChat(&chat); err != nil {
		return nil, fmt.Errorf("anthropic: encode: %w", err)
	}
	body, err := encode(model, chat)
	if err != nil {
		return nil, fmt.Errorf("anthropic: encode: %w", err)
	}
	return body, nil
}

// Parse implements llm.Codec, for MessagesEndpoint. It reads options that the
// version refuses, too: Encode and Check name them.
func (c *Codec) Parse(endpoint string, body json.RawMessage) (string, llm.Chat, error) {
	if endpoint != MessagesEndpoint {
		return "", llm.Chat{}, fmt.Errorf("anthropic: parse: endpoint %q: %w", endpoint, errors.ErrUnsupported)
	}
	request, err := wire.ReadBody(body)
	if err != nil {
		return "", llm.Chat{}, fmt.Errorf("anthropic: parse: %w", err)
	}
	model, chat := request.Text("model"), parse(request)
	wire.KeepOrder(&chat, body, schemaPath+".schema")
	chat, err = wire.Reread(chat, body, schemaPath, func(chat llm.Chat) (json.RawMessage, error) { return encode(model, chat) })
	if err != nil {
		return model, llm.Chat{}, fmt.Errorf("anthropic: parse: %w", err)
	}
	return model, chat, nil
}

// Lower implements llm.Codec.
func (c *Codec) Lower(s *llm.Schema) (schema.Lowered, error) {
	return wire.LowerDescribed(s, schema.Anthropic)
}
