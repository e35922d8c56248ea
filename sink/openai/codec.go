package openai

import (
	"encoding/json"
	"errors"
	"fmt"

	jsonv2 "github.com/go-json-experiment/json"

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

// Encode implements llm.Codec. The body is canonical JSON.
func (c *Client) Encode(model string, chat llm.Chat) (string, json.RawMessage, error) {
	messages := make([]message, len(chat.Messages))
	for i, m := range chat.Messages {
		messages[i] = message{Role: string(m.Role), Content: m.Text}
	}
	var request any = &chatRequest{chat.MaxTokens, messages, model, chat.Temperature}
	if c.cfg.Endpoint == responsesEndpoint {
		request = &responsesRequest{messages, chat.MaxTokens, model, chat.Temperature}
	}
	body, err := jsonv2.Marshal(request, tolerant)
	if err != nil {
		return "", nil, fmt.Errorf("openai: encode: %w", err)
	}
	return c.cfg.Endpoint, body, nil
}

// reply holds the parts of every endpoint's body that say something.
type reply struct {
	Model   string `json:"model"`
	Choices []struct {
		Text         string `json:"text"`
		FinishReason string `json:"finish_reason"`
		Message      struct {
			Content string `json:"content"`
			Refusal string `json:"refusal"`
		} `json:"message"`
	} `json:"choices"`
	Status string `json:"status"`
	Output []struct {
		Type    string `json:"type"`
		Content []struct {
			Text    string `json:"text"`
			Refusal string `json:"refusal"`
		} `json:"content"`
	} `json:"output"`
	Usage *usage `json:"usage"`
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
	if len(r.Choices) > 0 {
		first := r.Choices[0]
		out.Text = first.Message.Content + first.Text
		out.Refusal, out.Finish = first.Message.Refusal, first.FinishReason
	}
	for _, item := range r.Output {
		if item.Type != "message" { // such as "reasoning"
			continue
		}
		for _, part := range item.Content {
			out.Text += part.Text
			out.Refusal += part.Refusal
		}
	}
	return out, nil
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
