package openai

import (
	"github.com/balerhq/baler/sink/internal/completions"
	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm/schema"
)

// shared are options that both endpoints take.
var shared = wire.Same(
	"metadata", "moderation", "parallel_tool_calls", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
	"safety_identifier", "service_tier", "store", "top_logprobs", "top_p", "user",
)

var chatFormat = completions.Format{
	Messages: "messages", Limit: "max_completion_tokens", Schema: wire.ResponseFormat,
	Options: shared.And(wire.Same(
		"audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_tokens", "modalities",
		"n", "prediction", "presence_penalty", "reasoning_effort", "seed", "stop", "tool_choice", "tools", "verbosity",
		"web_search_options", wire.ResponseFormat,
	)),
	Dialect:     schema.OpenAI,
	WriteSchema: completions.WriteSchema, ReadSchema: completions.ReadSchema,
	WritePart: writeChatPart, ReadPart: readChatPart,
}

var responsesFormat = completions.Format{
	Messages: "input", OneText: true, Limit: "max_output_tokens", Schema: "text.format",
	Options: shared.And(wire.Same(
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
	Dialect:     schema.OpenAI,
	WriteSchema: completions.WriteFlatSchema, ReadSchema: completions.ReadFlatSchema,
	WritePart: writeResponsesPart, ReadPart: readResponsesPart,
}

var formats = map[string]*completions.Format{chatEndpoint: &chatFormat, responsesEndpoint: &responsesFormat}
