package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

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

// Endpoint implements llm.Codec.
func (c *Client) Endpoint() string { return c.cfg.Endpoint }

// Revision implements llm.Codec.
func (c *Client) Revision() int { return 1 }

// Encode implements llm.Codec. The body is canonical JSON.
func (c *Client) Encode(model string, chat llm.Chat) (json.RawMessage, error) {
	if chat.Schema != nil || len(chat.Options) > 0 {
		return nil, errors.New("openai: encode: the chat has a schema or options, which are not supported yet")
	}
	messages := make([]message, len(chat.Messages))
	for i, m := range chat.Messages {
		if len(m.Parts) > 0 {
			return nil, fmt.Errorf("openai: encode: message %d has parts, which are not supported yet", i+1)
		}
		messages[i] = message{Role: string(m.Role), Content: m.Text}
	}
	var request any = &chatRequest{chat.MaxTokens, messages, model, chat.Temperature}
	if c.cfg.Endpoint == responsesEndpoint {
		request = &responsesRequest{messages, chat.MaxTokens, model, chat.Temperature}
	}
	body, err := jsonv2.Marshal(request, tolerant)
	if err != nil {
		return nil, fmt.Errorf("openai: encode: %w", err)
	}
	return body, nil
}

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
	Reasoning int `json:"reasoning_tokens"`
}

func (u *usage) tokens() llm.Usage {
	if u == nil {
		return llm.Usage{}
	}
	return llm.Usage{
		Input: u.Prompt + u.Input, Output: u.Completion + u.Output,
		CachedInput: u.PromptDetail.Cached + u.InputDetail.Cached,
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
		Content   jsontext.Value   `json:"content"`
		Refusal   string           `json:"refusal"`
		ToolCalls []jsontext.Value `json:"tool_calls"`
		Function  jsontext.Value   `json:"function_call"`
		Audio     jsontext.Value   `json:"audio"`
	} `json:"message"`
}

type outputItem struct {
	Type    string `json:"type"`
	Content []struct {
		Text    string `json:"text"`
		Refusal string `json:"refusal"`
	} `json:"content"`
}

// Decode implements llm.Codec.
func (c *Client) Decode(body json.RawMessage) (llm.Reply, error) {
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
	if len(r.Choices) > 0 {
		r.Choices[0].into(&out)
	}
	for i := range r.Output {
		r.Output[i].into(&out)
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

func (c *choice) into(out *llm.Reply) {
	m := &c.Message
	out.Text = contentText(m.Content) + c.Text
	out.Refusal, out.Finish = m.Refusal, c.FinishReason
	out.Other = len(m.ToolCalls) > 0 || isSet(m.Function) || isSet(m.Audio)
}

// into takes an item of a response. A message replaces those before it: each is
// an answer of its own.
func (o *outputItem) into(out *llm.Reply) {
	if o.Type != "message" {
		out.Other = out.Other || o.Type != "reasoning"
		return
	}
	var said, refused strings.Builder
	for _, part := range o.Content {
		said.WriteString(part.Text)
		refused.WriteString(part.Refusal)
	}
	if said.Len()+refused.Len() > 0 {
		out.Text, out.Refusal = said.String(), refused.String()
	}
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
	return text(v)
}

// isSet reports whether a member is there and not null.
func isSet(v jsontext.Value) bool { return len(v) > 0 && v.Kind() != 'n' }
