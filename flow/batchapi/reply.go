package batchapi

import (
	"encoding/json"
	"strconv"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/llm"
)

// openaiBody is the answer of another provider as OpenAI would have written it.
func (o *outputs) openaiBody(r *durable.Result, reply *llm.Reply) any {
	if o.Endpoint == "/v1/responses" {
		return o.response(r, reply)
	}
	return o.completion(r, reply)
}

// completion is a chat completion.
type completion struct {
	ID      string             `json:"id"`
	Object  string             `json:"object"`
	Created int64              `json:"created"`
	Model   string             `json:"model"`
	Choices []completionChoice `json:"choices"`
	Usage   completionUsage    `json:"usage"`
}

type completionChoice struct {
	Index        int               `json:"index"`
	Message      completionMessage `json:"message"`
	Logprobs     any               `json:"logprobs"`
	FinishReason string            `json:"finish_reason"`
}

type completionMessage struct {
	Role      string           `json:"role"`
	Content   *string          `json:"content"`
	Refusal   *string          `json:"refusal"`
	ToolCalls []completionTool `json:"tool_calls,omitempty"`
}

type completionTool struct {
	ID       string             `json:"id"`
	Type     string             `json:"type"`
	Function completionFunction `json:"function"`
}

type completionFunction struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

type completionUsage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
	PromptIs   struct {
		Cached int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	CompletionIs struct {
		Reasoning int `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

func (o *outputs) completion(r *durable.Result, reply *llm.Reply) completion {
	c := completion{ID: o.id("chatcmpl-", r), Object: "chat.completion", Created: o.Created.Unix(), Model: r.Model}
	choice := completionChoice{FinishReason: "stop", Message: completionMessage{Role: "assistant", Refusal: optional(reply.Refusal)}}
	if reply.Refusal == "" && (reply.Text != "" || len(reply.ToolCalls) == 0) {
		choice.Message.Content = &reply.Text
	}
	for i, t := range reply.ToolCalls {
		choice.Message.ToolCalls = append(choice.Message.ToolCalls, completionTool{toolID(t, i), "function", completionFunction{t.Name, argumentsText(t.Arguments)}})
	}
	switch flaw := reply.Flaw(); {
	case flaw == llm.FlawCut:
		choice.FinishReason = "length"
	case flaw == llm.FlawFiltered, flaw == llm.FlawRefused && reply.Refusal == "":
		choice.FinishReason = "content_filter"
	case len(reply.ToolCalls) > 0:
		choice.FinishReason = "tool_calls"
	}
	c.Choices = []completionChoice{choice}
	c.Usage = completionUsage{Prompt: reply.Usage.Input, Completion: reply.Usage.Output, Total: reply.Usage.Input + reply.Usage.Output}
	c.Usage.PromptIs.Cached, c.Usage.CompletionIs.Reasoning = reply.Usage.CachedInput, reply.Usage.Reasoning
	return c
}

func toolID(t llm.ToolCall, i int) string {
	if t.ID != "" {
		return t.ID
	}
	return "call_" + strconv.Itoa(i)
}

// argumentsText are the arguments of a tool as OpenAI has them: JSON in a text.
func argumentsText(v json.RawMessage) string {
	if text := textOf(v); text != "" {
		return text
	}
	if len(v) == 0 {
		return "{}"
	}
	return string(v)
}

// argumentsObject are those as Anthropic has them: an object.
func argumentsObject(v json.RawMessage) json.RawMessage {
	if text := textOf(v); json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	if len(v) == 0 {
		return json.RawMessage("{}")
	}
	return v
}

// response is a response of OpenAI's API of that name.
type response struct {
	ID         string           `json:"id"`
	Object     string           `json:"object"`
	CreatedAt  int64            `json:"created_at"`
	Status     string           `json:"status"`
	Error      any              `json:"error"`
	Incomplete any              `json:"incomplete_details"`
	Model      string           `json:"model"`
	Output     []map[string]any `json:"output"`
	Usage      responseUsage    `json:"usage"`
}

// responseUsage are also the tokens of a batch.
type responseUsage struct {
	Input   int `json:"input_tokens"`
	InputIs struct {
		Cached int `json:"cached_tokens"`
	} `json:"input_tokens_details"`
	Output   int `json:"output_tokens"`
	OutputIs struct {
		Reasoning int `json:"reasoning_tokens"`
	} `json:"output_tokens_details"`
	Total int `json:"total_tokens"`
}

func responseUsageOf(u llm.Usage) responseUsage {
	r := responseUsage{Input: u.Input, Output: u.Output, Total: u.Input + u.Output}
	r.InputIs.Cached, r.OutputIs.Reasoning = u.CachedInput, u.Reasoning
	return r
}

// incomplete are the reasons for which a response is.
var incomplete = map[llm.Flaw]string{llm.FlawCut: "max_output_tokens", llm.FlawFiltered: "content_filter"}

func (o *outputs) response(r *durable.Result, reply *llm.Reply) response {
	out := response{ID: o.id("resp_", r), Object: "response", CreatedAt: o.Created.Unix(), Status: "completed", Model: r.Model, Usage: responseUsageOf(reply.Usage)}
	if reason := incomplete[reply.Flaw()]; reason != "" {
		out.Status, out.Incomplete = "incomplete", map[string]string{"reason": reason}
	}
	part := map[string]any{"type": "output_text", "text": reply.Text, "annotations": []any{}}
	if reply.Refusal != "" {
		part = map[string]any{"type": "refusal", "refusal": reply.Refusal}
	}
	if reply.Refusal != "" || reply.Text != "" || len(reply.ToolCalls) == 0 {
		out.Output = append(out.Output, map[string]any{
			"type": "message", "id": o.id("msg_", r), "role": "assistant", "status": out.Status, "content": []any{part},
		})
	}
	for i, t := range reply.ToolCalls {
		out.Output = append(out.Output, map[string]any{
			"type": "function_call", "id": o.id("fc_", r) + strconv.Itoa(i), "call_id": toolID(t, i), "name": t.Name, "arguments": argumentsText(t.Arguments), "status": "completed",
		})
	}
	return out
}

// message is a message of Anthropic's.
type message struct {
	ID           string           `json:"id"`
	Type         string           `json:"type"`
	Role         string           `json:"role"`
	Model        string           `json:"model"`
	Content      []map[string]any `json:"content"`
	StopReason   string           `json:"stop_reason"`
	StopSequence *string          `json:"stop_sequence"`
	StopDetails  any              `json:"stop_details,omitempty"`
	Usage        messageUsage     `json:"usage"`
}

type messageUsage struct {
	Input       int    `json:"input_tokens"`
	Output      int    `json:"output_tokens"`
	CacheWrites int    `json:"cache_creation_input_tokens"`
	CacheReads  int    `json:"cache_read_input_tokens"`
	Tier        string `json:"service_tier"`
}

func (o *outputs) message(r *durable.Result, reply *llm.Reply) message {
	u := reply.Usage
	m := message{
		ID: o.id("msg_", r), Type: "message", Role: "assistant", Model: r.Model, Content: []map[string]any{}, StopReason: "end_turn",
		Usage: messageUsage{Input: u.Input - u.CachedInput - u.CacheWrites, Output: u.Output, CacheWrites: u.CacheWrites, CacheReads: u.CachedInput, Tier: "batch"},
	}
	if reply.Text != "" {
		m.Content = append(m.Content, map[string]any{"type": "text", "text": reply.Text})
	}
	for i, t := range reply.ToolCalls {
		m.Content = append(m.Content, map[string]any{"type": "tool_use", "id": toolID(t, i), "name": t.Name, "input": argumentsObject(t.Arguments)})
	}
	switch flaw := reply.Flaw(); {
	case flaw == llm.FlawCut:
		m.StopReason = "max_tokens"
	case flaw == llm.FlawRefused, flaw == llm.FlawFiltered:
		m.StopReason = "refusal"
		if reply.Refusal != "" {
			m.StopDetails = map[string]string{"type": "refusal", "explanation": reply.Refusal}
		}
	case len(reply.ToolCalls) > 0:
		m.StopReason = "tool_use"
	}
	return m
}
