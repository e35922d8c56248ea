package sink

import (
	"errors"

	"github.com/balerhq/baler/retry"
)

// Result is what became of an item.
type Result[T any] struct {
	Item T
	Answer
}

// RowError is why a row failed.
type RowError struct {
	Class   retry.Class `json:"class"`
	Code    string      `json:"code,omitempty"` // the provider's word, such as "invalid_request_error"
	Message string      `json:"message"`
	// Cause is the error among those of this package that explains why a batch
	// was refused, as a Status has it. Nil otherwise.
	Cause error `json:"-"`
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

// rowErrorOf makes an error of a batch that of a row, with the provider's code.
func rowErrorOf(err error) *RowError {
	e := &RowError{Class: retry.ClassOf(err), Code: "batch_failed", Message: err.Error()}
	for said := new(retry.Error); errors.As(err, &said); err = said.Err {
		if said.Code != "" { // the provider's, which is innermost
			e.Code = said.Code
		}
	}
	return e
}
