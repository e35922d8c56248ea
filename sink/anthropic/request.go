package anthropic

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/schema"
)

// options are those that a chat may have. Members that mean something else at
// other providers have a name of their own.
var options = wire.Same("cache_control", "container", "inference_geo", "mcp_servers", "output_format", "thinking", "top_k", "top_p").And(wire.Names{
	"anthropic.context_management": "context_management",
	"anthropic.service_tier":       "service_tier",
	"anthropic.tool_choice":        "tool_choice",
	"anthropic.tools":              "tools",
	"effort":                       "output_config.effort",
	"stop":                         "stop_sequences",
	"user":                         "metadata.user_id",
})

const schemaPath = "output_config.format"

func encode(model string, chat llm.Chat) (json.RawMessage, error) {
	chat = options.Neutral(chat)
	system, turns, err := wire.System(chat.Messages)
	if err != nil {
		return nil, err
	}
	body := wire.Fields{"model": model, "max_tokens": cmp.Or(chat.MaxTokens, DefaultMaxTokens)}
	if err := writeSystem(body, system); err != nil {
		return nil, err
	}
	if body["messages"], err = writeTurns(turns, len(system)); err != nil {
		return nil, err
	}
	if chat.Temperature != nil {
		body["temperature"] = *chat.Temperature
	}
	if chat.Schema != nil {
		lowered, err := wire.LowerDescribed(chat.Schema, schema.Anthropic)
		if err != nil {
			return nil, err
		}
		body.Set(schemaPath, wire.Fields{"type": "json_schema", "schema": wire.InOrder(lowered.JSON)})
	}
	if err := options.Write(body, wire.Stops(chat.Options)); err != nil {
		return nil, err
	}
	return wire.Body(body)
}

// writeSystem writes one instruction of text as that, and others as blocks.
func writeSystem(body wire.Fields, system []llm.Message) error {
	switch {
	case len(system) == 0:
		return nil
	case len(system) == 1 && len(system[0].Parts) == 0:
		body["system"] = system[0].Text
		return nil
	}
	parts, err := wire.SystemParts(system)
	if err != nil {
		return err
	}
	body["system"], err = writeBlocks(parts)
	return err
}

func writeTurns(turns []llm.Message, after int) ([]wire.Fields, error) {
	all := make([]wire.Fields, len(turns))
	for i, m := range turns {
		content, err := writeContent(m)
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", after+i+1, err)
		}
		all[i] = wire.Fields{"role": cmp.Or(m.Role, llm.RoleUser), "content": content}
	}
	return all, nil
}

func writeContent(m llm.Message) (any, error) {
	if len(m.Parts) == 0 {
		return m.Text, nil
	}
	parts, err := wire.Parts(m)
	if err != nil {
		return nil, err
	}
	return writeBlocks(parts)
}

// parse takes what it knows of a body. wire.Confirm finds out what is missing.
func parse(o wire.Object) llm.Chat {
	chat := llm.Chat{
		MaxTokens:   wire.Integer(o["max_tokens"]),
		Temperature: wire.Number(o["temperature"]),
		Options:     options.Read(o),
	}
	if system := o["system"]; system != nil {
		m := readMessage(llm.RoleSystem, system)
		for i := range m.Parts {
			if !wire.IsText(&m.Parts[i]) {
				m.Parts[i] = llm.Part{}
			}
		}
		chat.Messages = append(chat.Messages, m)
	}
	for _, item := range wire.List(o["messages"]) {
		turn, role := wire.Members(item), llm.RoleUser
		if turn.Text("role") == string(llm.RoleAssistant) {
			role = llm.RoleAssistant
		}
		chat.Messages = append(chat.Messages, readMessage(role, turn["content"]))
	}
	if text := o.At(schemaPath + ".schema"); text != nil {
		chat.Schema = &llm.Schema{JSON: []byte(text)}
	}
	return chat
}

func readMessage(role llm.Role, content jsontext.Value) llm.Message {
	m := llm.Message{Role: role, Text: wire.Text(content)}
	for _, block := range wire.List(content) {
		m.Parts = append(m.Parts, wire.Known(readBlock(wire.Members(block))))
	}
	return m
}
