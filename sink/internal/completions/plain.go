package completions

import (
	"encoding/json"
	"errors"
	"strconv"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/balerhq/baler/internal/quote"
	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
)

// encodePlain writes a chat of texts, which most are, with or without a schema.
// It returns nil if the chat holds anything else.
func (f *Format) encodePlain(model string, chat llm.Chat) (json.RawMessage, error) {
	if len(chat.Options) > 0 || len(chat.Messages) == 0 || model == "" {
		return nil, nil
	}
	size := len(model) + 128
	for i := range chat.Messages {
		m := &chat.Messages[i]
		if len(m.Parts) > 0 || m.Role == "" || m.Role != f.wordOf(m.Role) {
			return nil, nil
		}
		size += len(m.Text) + len(m.Text)/16 + 48
	}
	schema, err := f.schemaMember(chat.Schema)
	if err != nil {
		return nil, err
	}
	size += len(schema)
	b := plainBody{buf: make([]byte, 0, size)}
	b.raw("{")
	if limitIsFirst := f.Limit < f.Messages; limitIsFirst {
		b.number("", f.Limit, chat.MaxTokens, ",")
		b.messages(f.Messages, chat.Messages)
	} else {
		b.messages(f.Messages, chat.Messages)
		b.number(",", f.Limit, chat.MaxTokens, "")
	}
	b.text(`,"model":`, model)
	schemaIsNext := f.Schema < "temperature"
	if schemaIsNext {
		b.raw(schema)
	}
	if chat.Temperature != nil {
		b.float(`,"temperature":`, *chat.Temperature)
	}
	if !schemaIsNext {
		b.raw(schema)
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
	b.buf = quote.Append(b.buf, value)
}

// number writes a member with a number that is not 0, and what is around it.
func (b *plainBody) number(before, name string, n int, after string) {
	if n == 0 {
		return
	}
	b.raw(before)
	b.raw(`"`)
	b.raw(name)
	b.raw(`":`)
	b.buf = strconv.AppendInt(b.buf, int64(n), 10)
	b.raw(after)
}

func (b *plainBody) float(name string, v float64) {
	b.raw(name)
	text, err := jsonv2.Marshal(v)
	b.buf, b.err = append(b.buf, text...), errors.Join(b.err, err)
}

func (b *plainBody) messages(name string, all []llm.Message) {
	b.raw(`"`)
	b.raw(name)
	b.raw(`":[`)
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

// plainRequest is a body of texts, of any format.
type plainRequest struct {
	Messages []plainMessage `json:"messages"`
	Input    []plainMessage `json:"input"`

	MaxTokens     int `json:"max_tokens"`
	MaxCompletion int `json:"max_completion_tokens"`
	MaxOutput     int `json:"max_output_tokens"`

	Model       string   `json:"model"`
	Temperature *float64 `json:"temperature"`
}

type plainMessage struct {
	Content string `json:"content"`
	Role    string `json:"role"`
}

// parsePlain reads a chat of texts, which most are. It reports false for
// anything else, and for what is not known. Members of another format do not
// come back, so that wire.Confirm finds them.
func (f *Format) parsePlain(body []byte) (model string, chat llm.Chat, isPlain bool) {
	var r plainRequest
	if jsonv2.Unmarshal(body, &r, jsonv2.RejectUnknownMembers(true)) != nil {
		return "", llm.Chat{}, false
	}
	chat = llm.Chat{MaxTokens: r.MaxTokens + r.MaxCompletion + r.MaxOutput, Temperature: r.Temperature}
	for _, m := range append(r.Messages, r.Input...) {
		role := llm.Role(m.Role)
		if roleOf(m.Role) != role {
			return "", llm.Chat{}, false
		}
		chat.Messages = append(chat.Messages, llm.Message{Role: role, Text: m.Content})
	}
	encoded, err := f.encodePlain(r.Model, chat)
	return r.Model, chat, err == nil && wire.Confirm(body, encoded) == nil
}
