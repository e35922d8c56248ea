package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/internal/loose"
	"github.com/balerhq/baler/sink/llm"
)

// usage is named differently by the chat and the responses endpoint.
type usage struct {
	Prompt       int     `json:"prompt_tokens"`
	Completion   int     `json:"completion_tokens"`
	Input        int     `json:"input_tokens"`
	Output       int     `json:"output_tokens"`
	PromptDetail details `json:"prompt_tokens_details"`
	InputDetail  details `json:"input_tokens_details"`
	ComplDetail  details `json:"completion_tokens_details"`
	OutputDetail details `json:"output_tokens_details"`
}

type details struct {
	Cached    int `json:"cached_tokens"`
	Writes    int `json:"cache_write_tokens"`
	Reasoning int `json:"reasoning_tokens"`
}

func (u *usage) tokens() llm.Usage {
	if u == nil {
		return llm.Usage{}
	}
	return llm.Usage{
		Input: u.Prompt + u.Input, Output: u.Completion + u.Output,
		CachedInput: u.PromptDetail.Cached + u.InputDetail.Cached,
		CacheWrites: u.PromptDetail.Writes + u.InputDetail.Writes,
		Reasoning:   u.ComplDetail.Reasoning + u.OutputDetail.Reasoning,
	}
}

// reply holds the parts of every endpoint's body that say something.
type reply struct {
	Object  string   `json:"object"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`

	Status     string       `json:"status"`
	Output     []outputItem `json:"output"`
	Incomplete struct {
		Reason string `json:"reason"`
	} `json:"incomplete_details"`

	Usage *usage `json:"usage"`

	// Complaints, in the place of an answer.
	Error   jsontext.Value `json:"error"`
	Message jsontext.Value `json:"message"`
	Detail  jsontext.Value `json:"detail"`
}

type choice struct {
	Text         string `json:"text"`
	FinishReason string `json:"finish_reason"`
	Message      struct {
		Content     jsontext.Value   `json:"content"`
		Refusal     string           `json:"refusal"`
		Annotations jsontext.Value   `json:"annotations"`
		ToolCalls   []jsontext.Value `json:"tool_calls"`
		Function    jsontext.Value   `json:"function_call"`
		Audio       jsontext.Value   `json:"audio"`
	} `json:"message"`
}

type outputItem struct {
	Type    string `json:"type"`
	Content []struct {
		Text        string         `json:"text"`
		Refusal     string         `json:"refusal"`
		Annotations jsontext.Value `json:"annotations"`
	} `json:"content"`

	// An item may be a call of a tool.
	CallID jsontext.Value `json:"call_id"`
	calledTool
}

// Decode implements llm.Codec.
func (c *Codec) Decode(body json.RawMessage) (llm.Reply, error) {
	var r reply
	if len(body) == 0 {
		return llm.Reply{}, errors.New("openai: decode: empty body")
	}
	if err := jsonv2.Unmarshal(body, &r, tolerant); err != nil {
		return llm.Reply{}, fmt.Errorf("openai: decode: %w", err)
	}
	out := llm.Reply{Model: r.Model, Finish: r.Status, Usage: r.Usage.tokens()}
	switch {
	case r.Status == "incomplete" && r.Incomplete.Reason != "":
		out.Finish = r.Incomplete.Reason
	case r.Choices == nil && r.Output == nil:
		out.Other = r.isOther(body)
	}
	var items []llm.Item
	for i := range r.Choices {
		items = append(items, r.Choices[i].into(&out))
	}
	for i := range r.Output {
		if item, isMessage := r.Output[i].into(&out); isMessage {
			items = append(items, item)
		}
	}
	if n := len(items); n > 0 {
		out.Text, out.Refusal = items[n-1].Text, items[n-1].Refusal
	}
	if len(items) > 1 {
		out.Items = items
	}
	return out, nil
}

// isOther reports whether a body without a reply is that of an endpoint which
// has none.
func (r *reply) isOther(body []byte) bool {
	switch r.Object {
	case "chat.completion", "text_completion", "response":
		return false
	}
	isEmpty := len(strings.Trim(string(body[:min(len(body), 100)]), "{} \t\r\n")) == 0
	return !isEmpty && !isSet(r.Error) && !isSet(r.Message) && !isSet(r.Detail)
}

// into takes a choice of a completion, and returns what it says.
func (c *choice) into(out *llm.Reply) llm.Item {
	m := &c.Message
	for _, call := range m.ToolCalls {
		out.ToolCalls = append(out.ToolCalls, toolCallOf(call))
	}
	if isSet(m.Function) {
		out.ToolCalls = append(out.ToolCalls, calledToolOf(m.Function).call(""))
	}
	out.Citations = append(out.Citations, citations(m.Annotations)...)
	out.Finish = c.FinishReason
	out.Other = len(m.ToolCalls) > 0 || isSet(m.Function) || isSet(m.Audio)
	return llm.Item{Text: contentText(m.Content) + c.Text, Refusal: m.Refusal}
}

// into takes an item of a response, and returns what it says if it is a message
// that says something. Each message is an answer of its own.
func (o *outputItem) into(out *llm.Reply) (item llm.Item, isMessage bool) {
	switch o.Type {
	case "message":
	case "reasoning":
		return item, false
	case "function_call", "custom_tool_call":
		out.ToolCalls = append(out.ToolCalls, o.call(textOrNothing(o.CallID)))
		fallthrough
	default:
		out.Other = true
		return item, false
	}
	var said, refused strings.Builder
	for _, part := range o.Content {
		said.WriteString(part.Text)
		refused.WriteString(part.Refusal)
		out.Citations = append(out.Citations, citations(part.Annotations)...)
	}
	return llm.Item{Text: said.String(), Refusal: refused.String()}, said.Len()+refused.Len() > 0
}

// contentText is the text of a message, which some servers write in parts.
func contentText(v jsontext.Value) string {
	if v.Kind() != '[' {
		return textOrNothing(v)
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if jsonv2.Unmarshal(v, &parts, tolerant) != nil {
		return ""
	}
	var all strings.Builder
	for _, part := range parts {
		all.WriteString(part.Text)
	}
	return all.String()
}

func textOrNothing(v jsontext.Value) string {
	if v.Kind() != '"' {
		return ""
	}
	return loose.AsWritten(v)
}

// isSet reports whether a member is there and not null.
func isSet(v jsontext.Value) bool { return len(v) > 0 && v.Kind() != 'n' }

// tolerant reads what compatible servers write. The reader is the one of
// encoding/json/v2, which reads each byte once.
var tolerant = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
