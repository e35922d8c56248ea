package openai

import (
	"encoding/json"
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
