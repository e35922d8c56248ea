package openai

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
)

const (
	chatEndpoint      = "/v1/chat/completions"
	responsesEndpoint = "/v1/responses"
)

// The fields of requests are sorted, as the canonical form wants it.
type message struct {
	Content string `json:"content"`
	Role    string `json:"role"`
}

type chatRequest struct {
	MaxTokens   int       `json:"max_completion_tokens,omitzero"`
	Messages    []message `json:"messages"`
	Model       string    `json:"model"`
	Temperature *float64  `json:"temperature,omitzero"`
}

type responsesRequest struct {
	Input       []message `json:"input"`
	MaxTokens   int       `json:"max_output_tokens,omitzero"`
	Model       string    `json:"model"`
	Temperature *float64  `json:"temperature,omitzero"`
}

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
func (c *Codec) Revision() int { return 1 }

// Encode implements llm.Codec. The body is canonical JSON, in which numbers of
// options are as the chat has them.
func (c *Codec) Encode(model string, chat llm.Chat) (json.RawMessage, error) {
	f := formats[c.Endpoint()]
	body, err := encodePlain(f, model, chat)
	if err == nil && body == nil {
		body, err = f.encode(model, chat)
	}
	if err != nil {
		return nil, fmt.Errorf("openai: encode: %w", err)
	}
	return body, nil
}

// encodePlain writes a chat of texts, which most are. It returns nil if the
// chat holds anything else.
func encodePlain(f *format, model string, chat llm.Chat) (json.RawMessage, error) {
	if chat.Schema != nil || len(chat.Options) > 0 || len(chat.Messages) == 0 {
		return nil, nil
	}
	size := len(model) + 128
	for i := range chat.Messages {
		m := &chat.Messages[i]
		if len(m.Parts) > 0 || m.Role == "" {
			return nil, nil
		}
		size += len(m.Text) + len(m.Text)/16 + 48
	}
	b := plainBody{buf: make([]byte, 0, size)}
	if f == &responsesFormat {
		b.messages(`{"input":[`, chat.Messages)
		b.number(`,"max_output_tokens":`, chat.MaxTokens)
	} else {
		b.raw("{")
		b.number(`"max_completion_tokens":`, chat.MaxTokens)
		if chat.MaxTokens != 0 {
			b.raw(",")
		}
		b.messages(`"messages":[`, chat.Messages)
	}
	b.text(`,"model":`, model)
	if chat.Temperature != nil {
		b.float(`,"temperature":`, *chat.Temperature)
	}
	b.raw("}")
	return b.buf, b.err
}

// plainBody is a body as it is written. Its members are sorted, as the
// canonical form wants it.
type plainBody struct {
	buf []byte
	err error
}

func (b *plainBody) raw(s string) { b.buf = append(b.buf, s...) }

// text writes a member with a text. Bytes that are no UTF-8 become U+FFFD.
func (b *plainBody) text(name, value string) {
	b.raw(name)
	quoted, err := jsontext.AppendQuote(b.buf, value)
	if err != nil && (len(quoted) == len(b.buf) || quoted[len(quoted)-1] != '"') {
		b.err = errors.Join(b.err, err)
	}
	b.buf = quoted
}

func (b *plainBody) number(name string, n int) {
	if n != 0 {
		b.raw(name)
		b.buf = strconv.AppendInt(b.buf, int64(n), 10)
	}
}

func (b *plainBody) float(name string, v float64) {
	b.raw(name)
	text, err := jsonv2.Marshal(v)
	b.buf, b.err = append(b.buf, text...), errors.Join(b.err, err)
}

func (b *plainBody) messages(name string, all []llm.Message) {
	b.raw(name)
	for i := range all {
		if i > 0 {
			b.raw(",")
		}
		b.text(`{"content":`, all[i].Text)
		b.text(`,"role":`, string(all[i].Role))
		b.raw("}")
	}
	b.raw("]")
}

// Check implements llm.Codec. There is nothing that is refused for certain.
func (*Codec) Check(string, json.RawMessage) error { return nil }

// Parse implements llm.Codec, for "/v1/chat/completions" and "/v1/responses",
// whichever of them Encode writes for.
func (c *Codec) Parse(endpoint string, body json.RawMessage) (string, llm.Chat, error) {
	f := formats[endpoint]
	if f == nil {
		return "", llm.Chat{}, fmt.Errorf("openai: parse: endpoint %q: %w", endpoint, errors.ErrUnsupported)
	}
	if model, chat, isPlain := parsePlain(f, body); isPlain {
		return model, chat, nil
	}
	request, err := wire.ReadBody(body)
	if err != nil {
		return "", llm.Chat{}, fmt.Errorf("openai: parse: %w", err)
	}
	model, chat := request.Text("model"), f.parse(request)
	encoded, err := f.encode(model, chat)
	if err == nil {
		err = wire.Confirm(body, encoded)
	}
	if err != nil {
		return model, llm.Chat{}, fmt.Errorf("openai: parse: %w", err)
	}
	return model, chat, nil
}

// parsePlain reads a chat of texts, which most are. It reports false for
// anything else, and for what is not known.
func parsePlain(f *format, body []byte) (model string, chat llm.Chat, isPlain bool) {
	var asChat chatRequest
	var asResponse responsesRequest
	var request any = &asChat
	if f == &responsesFormat {
		request = &asResponse
	}
	if jsonv2.Unmarshal(body, request, jsonv2.RejectUnknownMembers(true)) != nil {
		return "", llm.Chat{}, false
	}
	if f == &responsesFormat {
		asChat = chatRequest{asResponse.MaxTokens, asResponse.Input, asResponse.Model, asResponse.Temperature}
	}
	chat = llm.Chat{MaxTokens: asChat.MaxTokens, Temperature: asChat.Temperature}
	for _, m := range asChat.Messages {
		role := llm.Role(m.Role)
		if roleOf(m.Role) != role {
			return "", llm.Chat{}, false
		}
		chat.Messages = append(chat.Messages, llm.Message{Role: role, Text: m.Content})
	}
	encoded, err := encodePlain(f, asChat.Model, chat)
	return asChat.Model, chat, err == nil && wire.Confirm(body, encoded) == nil
}
