package openai

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
)

// format is how one endpoint writes what both of them take.
type format struct {
	messages string // where the messages are
	limit    string // where the limit of tokens is
	schema   string // where the format of the answer is
	options  wire.Names

	writeSchema func(*llm.Schema) any
	readSchema  func(wire.Object) *llm.Schema
	writePart   func(llm.Role, *llm.Part) (wire.Fields, error)
	readPart    func(wire.Object) llm.Part
}

// shared are options that both endpoints take.
var shared = wire.Same(
	"metadata", "moderation", "parallel_tool_calls", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
	"safety_identifier", "service_tier", "store", "top_logprobs", "top_p", "user",
)

var chatFormat = format{
	messages: "messages", limit: "max_completion_tokens", schema: "response_format",
	options: shared.And(wire.Same(
		"audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_tokens", "modalities",
		"n", "prediction", "presence_penalty", "reasoning_effort", "seed", "stop", "tool_choice", "tools", "verbosity",
		"web_search_options", wire.ResponseFormat,
	)),
	writeSchema: func(s *llm.Schema) any { return wire.Fields{"type": jsonSchema, jsonSchema: schemaFields(s)} },
	readSchema:  func(o wire.Object) *llm.Schema { return schemaOf(wire.Members(o[jsonSchema])) },
	writePart:   writeChatPart,
	readPart:    readChatPart,
}

var responsesFormat = format{
	messages: "input", limit: "max_output_tokens", schema: "text.format",
	options: shared.And(wire.Same(
		"access_programs", "background", "context_management", "conversation", "include", "instructions", "max_tool_calls",
		"previous_response_id", "prompt", "truncation",
	)).And(wire.Names{
		wire.ResponseFormat:          "text.format",
		"reasoning_effort":           "reasoning.effort",
		"reasoning_summary":          "reasoning.summary",
		"reasoning_generate_summary": "reasoning.generate_summary",
		"reasoning_context":          "reasoning.context",
		"reasoning_mode":             "reasoning.mode",
		"responses.tools":            "tools",
		"responses.tool_choice":      "tool_choice",
		"verbosity":                  "text.verbosity",
	}),
	writeSchema: func(s *llm.Schema) any {
		fields := schemaFields(s)
		fields["type"] = jsonSchema
		return fields
	},
	readSchema: schemaOf,
	writePart:  writeResponsesPart,
	readPart:   readResponsesPart,
}

var formats = map[string]*format{chatEndpoint: &chatFormat, responsesEndpoint: &responsesFormat}

const jsonSchema = "json_schema"

// schemaName is sent for a schema without a name, as the endpoints ask for one.
const schemaName = "answer"

func schemaFields(s *llm.Schema) wire.Fields {
	fields := wire.Fields{"name": schemaName, "schema": jsontext.Value(s.JSON)}
	fields.SetText("name", s.Name)
	fields.SetText("description", s.Description)
	if s.Strict != nil {
		fields["strict"] = *s.Strict
	}
	return fields
}

// schemaOf returns nil if there is no schema.
func schemaOf(o wire.Object) *llm.Schema {
	if o["schema"] == nil {
		return nil
	}
	schema := &llm.Schema{Name: o.Text("name"), Description: o.Text("description"), JSON: []byte(o["schema"])}
	if strict := o["strict"]; strict.Kind() == 't' || strict.Kind() == 'f' {
		isStrict := strict.Kind() == 't'
		schema.Strict = &isStrict
	}
	return schema
}
