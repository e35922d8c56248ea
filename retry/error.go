package retry

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Error is an error with a class. Every field but Class may be empty.
//
// A [Grammar], [Transport] and [Mark] make it, or a client with more knowledge
// makes a literal. It is immutable once returned.
type Error struct {
	Class      Class
	Status     int           // HTTP status of the reply; 0 means that there was none
	Code       string        // the provider's own code, such as "rate_limit_exceeded"
	Message    string        // the provider's words, for people
	Param      string        // the part of the call that is at fault, such as "endpoint"
	RequestID  string        // the provider's name for the call, for its support
	RetryAfter time.Duration // how long the server asks to wait; 0 means that it did not say
	Err        error         // the cause; nil if the reply itself is all there is
}

// Error returns all that is known, the class last: "HTTP 503: overloaded
// (retryable)".
func (e *Error) Error() string {
	var parts []string
	if head := e.head(); head != "" {
		parts = append(parts, head)
	}
	if e.Message != "" {
		parts = append(parts, e.Message)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	end := e.Class.String()
	if e.RetryAfter > 0 {
		end += " after " + e.RetryAfter.String()
	}
	return strings.TrimLeft(strings.Join(parts, ": ")+" ("+end+")", " ")
}

// head returns the status and the code, as far as there are any.
func (e *Error) head() string {
	if e.Status == 0 {
		return e.Code
	}
	return strings.TrimRight(fmt.Sprintf("HTTP %d %s", e.Status, e.Code), " ")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Mark gives err a class, whatever class it had before. The reply of a server
// stays reachable through errors.As and [After]. Mark(nil, class) is nil.
func Mark(err error, class Class) error {
	if err == nil {
		return nil
	}
	return &Error{Class: class, Err: err}
}

// After returns the longest wait that a server asked for anywhere in err's
// chain, and 0 if none did.
func After(err error) time.Duration {
	var longest time.Duration
	var e *Error
	for errors.As(err, &e) {
		longest = max(longest, e.RetryAfter)
		err = e.Err
	}
	return longest
}
