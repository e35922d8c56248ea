package durable

import (
	"encoding/json"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/llm"
)

// Result is what became of one item. Its JSON is what Lines writes.
type Result struct {
	ID       string          `json:"id"` // the item's key
	Status   ItemStatus      `json:"status"`
	Text     string          `json:"text,omitempty"`
	Response json.RawMessage `json:"response,omitempty"` // the provider's body
	Usage    *llm.Usage      `json:"usage,omitempty"`
	Model    string          `json:"model,omitempty"` // as the provider names it
	Batch    string          `json:"batch,omitempty"` // that answered it
	Attempts int             `json:"attempts"`        // times it was sent
	Error    *ItemError      `json:"error,omitempty"` // nil if it succeeded
}

// ItemStatus is how an item ended.
type ItemStatus string

// The two ends of an item.
const (
	Succeeded ItemStatus = "succeeded"
	Failed    ItemStatus = "failed"
)

// ItemError is why an item failed.
type ItemError struct {
	Class   retry.Class `json:"class"`
	Code    string      `json:"code,omitempty"`
	Message string      `json:"message"`
}
