package sink

import (
	"encoding/json"

	"github.com/balerhq/baler/retry"
)

// Request is what an item asks of a provider. A provider's codec makes its
// endpoint and body, for example openai's Encode.
type Request struct {
	// Endpoint is the path it calls, such as "/v1/chat/completions".
	Endpoint string
	// Model is the model that the body names.
	Model string
	// Body is the JSON that the endpoint takes.
	Body json.RawMessage
}

// Result is what became of an item.
type Result[T any] struct {
	Item T
	// Body is the provider's answer, or its error body; nil if there is none.
	Body json.RawMessage
	// Status is the HTTP status of the item's own call, 0 if it never ran.
	Status int
	// Err is nil if the item succeeded. Otherwise it is a *RowError, whose
	// class retry.ClassOf tells.
	Err error
	// Batch is the provider's name for the batch that decided about the item,
	// "" if it was in none.
	Batch string
	// Attempts counts the batches that the item was part of.
	Attempts int
}

// RowError is why a row failed.
type RowError struct {
	Class   retry.Class
	Code    string // the provider's word, such as "invalid_request_error"
	Message string
	// Cause is the error among those of this package that explains why a batch
	// was refused, as a Status has it. Nil otherwise.
	Cause error
}

// Unwrap is the cause.
func (e *RowError) Unwrap() error { return e.Cause }

// Error implements error.
func (e *RowError) Error() string {
	if e.Code == "" {
		return e.Message
	}
	return e.Code + ": " + e.Message
}

// As shows the error as a *retry.Error, so that retry.ClassOf and all that
// builds on it know its class.
func (e *RowError) As(target any) bool {
	t, ok := target.(**retry.Error)
	if ok {
		*t = &retry.Error{Class: e.Class, Code: e.Code, Message: e.Message}
	}
	return ok
}
