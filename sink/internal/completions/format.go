package completions

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"sync/atomic"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/schema"
)

// Format is how an endpoint writes chats. Its model stands after its Messages
// and its Limit in the order of names, and its Schema after the model. It is
// not to be copied.
type Format struct {
	Messages string // where the messages are
	Limit    string // where the limit of tokens is
	Schema   string // where the format of the answer is
	Options  wire.Names

	Dialect     *schema.Dialect // in which a strict schema is sent
	WriteSchema func(s *llm.Schema, sent []byte) wire.Fields
	ReadSchema  func(wire.Object) *llm.Schema
	WritePart   func(llm.Role, *llm.Part) (wire.Fields, error)
	ReadPart    func(wire.Object) llm.Part

	OneText     bool // the messages may be a text
	NoDeveloper bool // the developer speaks as the system
	NoModel     bool // the model may be named elsewhere
	Prefix      bool // the answer may begin with what the assistant says last

	asked atomic.Pointer[askedSchema] // the last: the rows of a run ask for the same
}

// PrefixOption is the option that makes an answer begin with the last message,
// which is the assistant's. Its value is a member of that message.
const PrefixOption = "prefix"

// Encode returns the body of a chat, in canonical form. Numbers of options are
// as the chat has them.
func (f *Format) Encode(model string, chat llm.Chat) (json.RawMessage, error) {
	body, err := f.encodePlain(model, chat)
	if err == nil && body == nil {
		return f.encode(model, chat)
	}
	return body, err
}

func (f *Format) encode(model string, chat llm.Chat) (json.RawMessage, error) {
	chat = f.Options.Neutral(chat)
	messages, err := f.writeMessages(&chat)
	if err != nil {
		return nil, err
	}
	body := wire.Fields{f.Messages: messages}
	if model != "" || !f.NoModel {
		body["model"] = model
	}
	if chat.MaxTokens != 0 {
		body[f.Limit] = chat.MaxTokens
	}
	if chat.Temperature != nil {
		body["temperature"] = *chat.Temperature
	}
	if chat.Schema != nil {
		if err := f.setSchema(body, chat.Schema); err != nil {
			return nil, err
		}
	}
	if err := wire.CheckFormat(chat.Options); err != nil {
		return nil, err
	}
	if err := f.Options.Write(body, chat.Options); err != nil {
		return nil, err
	}
	return wire.Body(body)
}

func (f *Format) setSchema(body wire.Fields, s *llm.Schema) error {
	lowered, err := wire.Lower(s, f.Dialect)
	if err == nil {
		body.Set(f.Schema, f.WriteSchema(s, lowered.JSON))
	}
	return err
}

// schemaPath is where the JSON Schema is.
func (f *Format) schemaPath() string {
	if f.Schema == wire.ResponseFormat {
		return f.Schema + "." + jsonSchema + ".schema"
	}
	return f.Schema + ".schema"
}

// Check returns an error if a body has a strict schema that has no form which
// the endpoint takes.
func (f *Format) Check(body json.RawMessage) error {
	if !bytes.Contains(body, []byte(jsonSchema)) {
		return nil
	}
	s := f.ReadSchema(wire.Members(wire.Members(jsontext.Value(body)).At(f.Schema)))
	if s == nil {
		return nil
	}
	_, err := wire.Lower(s, f.Dialect)
	return err
}

func (f *Format) writeMessages(chat *llm.Chat) (any, error) {
	messages := chat.Messages
	if f.OneText && len(messages) == 1 && messages[0].Role == "" && len(messages[0].Parts) == 0 {
		return messages[0].Text, nil
	}
	all := make([]wire.Fields, len(messages))
	for i, m := range messages {
		content, err := f.writeContent(m)
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", i+1, err)
		}
		all[i] = wire.Fields{"role": f.wordOf(m.Role), "content": content}
	}
	return all, f.writePrefix(all, chat)
}

// writePrefix moves the option to the last message.
func (f *Format) writePrefix(all []wire.Fields, chat *llm.Chat) error {
	prefix := chat.Options[PrefixOption]
	if prefix == nil || !f.Prefix {
		return nil
	}
	n := len(all)
	if n == 0 || chat.Messages[n-1].Role != llm.RoleAssistant {
		return &llm.RefusedOptionError{Option: PrefixOption, Reason: "is taken only if the last message is the assistant's; append what the answer is to begin with, or leave it out"}
	}
	all[n-1]["prefix"] = prefix
	chat.Options = wire.Without(maps.Clone(chat.Options), PrefixOption)
	return nil
}

func (f *Format) wordOf(role llm.Role) llm.Role {
	if role == llm.RoleDeveloper && f.NoDeveloper {
		return llm.RoleSystem
	}
	return cmp.Or(role, llm.RoleUser)
}

func (f *Format) writeContent(m llm.Message) (any, error) {
	if len(m.Parts) == 0 {
		return m.Text, nil
	}
	parts, err := wire.Parts(m)
	if err != nil {
		return nil, err
	}
	all := make([]wire.Fields, len(parts))
	for i := range parts {
		if all[i], err = f.WritePart(m.Role, &parts[i]); err != nil {
			return nil, fmt.Errorf("part %d: %w", i+1, err)
		}
	}
	return all, nil
}

// Parse reads a body as a chat that Encode writes the same body for. The error
// is an llm.UnknownMemberError if there is none.
func (f *Format) Parse(body json.RawMessage) (string, llm.Chat, error) {
	if model, chat, isPlain := f.parsePlain(body); isPlain {
		return model, chat, nil
	}
	request, err := wire.ReadBody(body)
	if err != nil {
		return "", llm.Chat{}, err
	}
	model, chat := request.Text("model"), f.parse(request)
	wire.KeepOrder(&chat, body, f.schemaPath())
	chat, err = wire.Reread(chat, body, f.schemaPath(), func(chat llm.Chat) (json.RawMessage, error) { return f.encode(model, chat) })
	if err != nil {
		return model, llm.Chat{}, err
	}
	return model, chat, nil
}

// parse takes what it knows of a body. wire.Confirm finds out what is missing.
func (f *Format) parse(o wire.Object) llm.Chat {
	chat := llm.Chat{
		MaxTokens:   wire.Integer(o[f.Limit]),
		Temperature: wire.Number(o["temperature"]),
		Options:     f.Options.Read(o),
	}
	f.readMessages(&chat, o[f.Messages])
	format := chat.Options[wire.ResponseFormat]
	if wire.Format(format) == "" {
		chat.Options = wire.Without(chat.Options, wire.ResponseFormat)
	}
	if kind := wire.Members(jsontext.Value(format)); kind.Text("type") == jsonSchema {
		chat.Schema = f.ReadSchema(kind)
	}
	return chat
}

func (f *Format) readMessages(chat *llm.Chat, v jsontext.Value) {
	if f.OneText && v.Kind() == '"' {
		chat.Messages = []llm.Message{{Text: wire.Text(v)}}
		return
	}
	var last wire.Object
	for _, item := range wire.List(v) {
		last = wire.Members(item)
		m := llm.Message{Role: roleOf(last.Text("role")), Text: last.Text("content")}
		for _, part := range wire.List(last["content"]) {
			m.Parts = append(m.Parts, wire.Known(f.ReadPart(wire.Members(part))))
		}
		chat.Messages = append(chat.Messages, m)
	}
	if prefix := last["prefix"]; f.Prefix && prefix != nil && chat.Messages[len(chat.Messages)-1].Role == llm.RoleAssistant {
		if chat.Options == nil {
			chat.Options = llm.Options{}
		}
		chat.Options[PrefixOption] = json.RawMessage(prefix)
	}
}

func roleOf(word string) llm.Role {
	switch role := llm.Role(word); role {
	case llm.RoleSystem, llm.RoleDeveloper, llm.RoleUser, llm.RoleAssistant:
		return role
	}
	return llm.RoleUser
}
