package durable

import (
	"encoding/json"
	"math"

	"github.com/balerhq/baler/sink/llm"
)

// outputLimit returns how many tokens the answer to a chat may have, with all
// its choices, 0 if the chat does not say.
func outputLimit(chat *llm.Chat) uint32 {
	limit := chat.MaxTokens
	for _, name := range []string{"max_tokens", "max_completion_tokens"} {
		if n := number(chat.Options[name]); n > 0 {
			limit = n
		}
	}
	return choices(limit, number(chat.Options["n"]))
}

// bodyLimit returns the same for a request in the form of its provider.
func bodyLimit(body json.RawMessage) uint32 {
	var asks struct {
		Tokens     int `json:"max_tokens"`
		Completion int `json:"max_completion_tokens"`
		Output     int `json:"max_output_tokens"`
		Choices    int `json:"n"`
		Generation struct {
			Output  int `json:"maxOutputTokens"`
			Choices int `json:"candidateCount"`
		} `json:"generationConfig"`
	}
	if json.Unmarshal(body, &asks) != nil {
		return 0 // a member has another form than the provider takes, which it will say
	}
	return choices(max(asks.Tokens, asks.Completion, asks.Output, asks.Generation.Output), max(asks.Choices, asks.Generation.Choices))
}

// number returns a number in JSON, 0 if it is none.
func number(value json.RawMessage) int {
	if len(value) == 0 { // as of most: a variable to read into costs an allocation
		return 0
	}
	var n int
	if json.Unmarshal(value, &n) != nil {
		return 0
	}
	return n
}

func choices(limit, n int) uint32 {
	if limit <= 0 {
		return 0
	}
	if n > 1 {
		limit = min(limit, math.MaxUint32/n) * n
	}
	return uint32(min(limit, math.MaxUint32))
}
