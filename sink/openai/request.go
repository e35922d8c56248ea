package openai

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
)

func (f *format) encode(model string, chat llm.Chat) (json.RawMessage, error) {
	chat = f.options.Neutral(chat)
	messages, err := f.writeMessages(chat.Messages)
	if err != nil {
		return nil, err
	}
	body := wire.Fields{"model": model, f.messages: messages}
	if chat.MaxTokens != 0 {
		body[f.limit] = chat.MaxTokens
	}
	if chat.Temperature != nil {
		body["temperature"] = *chat.Temperature
	}
	if chat.Schema != nil {
		if _, err := wire.SchemaJSON(chat.Schema); err != nil {
			return nil, err
		}
		body.Set(f.schema, f.writeSchema(chat.Schema))
	}
	if err := wire.CheckFormat(chat.Options); err != nil {
		return nil, err
	}
	if err := f.options.Write(body, chat.Options); err != nil {
		return nil, err
	}
	return wire.Body(body)
}

func (f *format) writeMessages(messages []llm.Message) (any, error) {
	if f == &responsesFormat && len(messages) == 1 && messages[0].Role == "" && len(messages[0].Parts) == 0 {
		return messages[0].Text, nil
	}
	all := make([]wire.Fields, len(messages))
	for i, m := range messages {
		content, err := f.writeContent(m)
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", i+1, err)
		}
		all[i] = wire.Fields{"role": cmp.Or(m.Role, llm.RoleUser), "content": content}
	}
	return all, nil
}

func (f *format) writeContent(m llm.Message) (any, error) {
	if len(m.Parts) == 0 {
		return m.Text, nil
	}
	parts, err := wire.Parts(m)
	if err != nil {
		return nil, err
	}
	all := make([]wire.Fields, len(parts))
	for i := range parts {
		if all[i], err = f.writePart(m.Role, &parts[i]); err != nil {
			return nil, fmt.Errorf("part %d: %w", i+1, err)
		}
	}
	return all, nil
}

// parse takes what it knows of a body. wire.Confirm finds out what is missing.
func (f *format) parse(o wire.Object) llm.Chat {
	chat := llm.Chat{
		Messages:    f.readMessages(o[f.messages]),
		MaxTokens:   wire.Integer(o[f.limit]),
		Temperature: wire.Number(o["temperature"]),
		Options:     f.options.Read(o),
	}
	format := chat.Options[wire.ResponseFormat]
	if wire.Format(format) == "" {
		chat.Options = wire.Without(chat.Options, wire.ResponseFormat)
	}
	if kind := wire.Members(jsontext.Value(format)); kind.Text("type") == jsonSchema {
		chat.Schema = f.readSchema(kind)
	}
	return chat
}

func (f *format) readMessages(v jsontext.Value) []llm.Message {
	if f == &responsesFormat && v.Kind() == '"' {
		return []llm.Message{{Text: wire.Text(v)}}
	}
	var messages []llm.Message
	for _, item := range wire.List(v) {
		o := wire.Members(item)
		m := llm.Message{Role: roleOf(o.Text("role")), Text: o.Text("content")}
		for _, part := range wire.List(o["content"]) {
			m.Parts = append(m.Parts, wire.Known(f.readPart(wire.Members(part))))
		}
		messages = append(messages, m)
	}
	return messages
}

func roleOf(word string) llm.Role {
	switch role := llm.Role(word); role {
	case llm.RoleSystem, llm.RoleDeveloper, llm.RoleUser, llm.RoleAssistant:
		return role
	}
	return llm.RoleUser
}
