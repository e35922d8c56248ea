package gemini

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/schema"
)

// ContentEndpoint is the path of the requests that a Codec writes. The model is
// in the path, not in the body.
const ContentEndpoint = "/v1beta/models/{model}:generateContent"

// Codec is the llm.Codec of Gemini's generateContent.
//
// A schema has no name there, and is always kept to, so that Schema.Name and
// Strict are not sent, nor are the names of files. If Strict is false, the
// schema is sent as it is: such is that of a body which is not in the form that
// Encode writes. The ID of a file is not enough to send it: its URI is its URL.
type Codec struct{}

var _ llm.Codec = (*Codec)(nil)

// NewCodec returns a Codec.
func NewCodec() *Codec { return &Codec{} }

// Endpoint implements llm.Codec.
func (*Codec) Endpoint() string { return ContentEndpoint }

// Revision implements llm.Codec.
func (*Codec) Revision() int { return 2 }

// Encode implements llm.Codec. The body is canonical JSON, in which numbers of
// options are as the chat has them. It does not depend on the model.
func (*Codec) Encode(_ string, chat llm.Chat) (json.RawMessage, error) {
	body, err := encode(chat)
	if err != nil {
		return nil, fmt.Errorf("gemini: encode: %w", err)
	}
	return body, nil
}

// Lower implements llm.Codec.
func (*Codec) Lower(s *llm.Schema) (schema.Lowered, error) {
	return wire.LowerDescribed(s, schema.Gemini)
}

// Check implements llm.Codec. Of a body, no member but a schema is refused for
// certain. The method that streams is, as batches have none.
func (*Codec) Check(endpoint string, body json.RawMessage) error {
	if _, verb := cutVerb(endpoint); verb == streamVerb {
		return fmt.Errorf("gemini: %w", &llm.RefusedOptionError{Option: streamVerb, Reason: "is refused in batches: choose generateContent"})
	}
	if _, isContent := modelOf(endpoint); !isContent {
		return nil
	}
	for _, path := range []string{schemaPath, "generation_config.response_json_schema"} {
		if err := wire.CheckSchema(body, path, schema.Gemini); err != nil {
			return fmt.Errorf("gemini: %w", err)
		}
	}
	return nil
}

// Parse implements llm.Codec, for ContentEndpoint with or without a model in
// it. Bodies may be in snake case; they come back in camel case, which means
// the same.
func (*Codec) Parse(endpoint string, body json.RawMessage) (string, llm.Chat, error) {
	model, isContent := modelOf(endpoint)
	if !isContent {
		return "", llm.Chat{}, fmt.Errorf("gemini: parse: endpoint %q: %w", endpoint, errors.ErrUnsupported)
	}
	chat, err := parseBody(body)
	if err != nil {
		return model, llm.Chat{}, fmt.Errorf("gemini: parse: %w", err)
	}
	return model, chat, nil
}

func parseBody(body json.RawMessage) (llm.Chat, error) {
	body, err := camelCase(body)
	if err != nil {
		return llm.Chat{}, err
	}
	request, err := wire.ReadBody(body)
	if err != nil {
		return llm.Chat{}, err
	}
	chat := parse(request)
	wire.KeepOrder(&chat, body, schemaPath)
	return wire.Reread(chat, body, schemaPath, encode)
}

// modelOf returns the model of an endpoint, "" if it names none.
func modelOf(endpoint string) (model string, isContent bool) {
	path, isContent := strings.CutSuffix(endpoint, ":generateContent")
	_, model, isModel := strings.Cut(path, "/models/")
	if model == "{model}" {
		model = ""
	}
	return model, isContent && isModel
}
