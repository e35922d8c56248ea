package durable

import (
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/printable"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// Bounds of what an intent keeps of a provider's words, in bytes, of which JSON
// makes up to six each: the record of an intent that is longer than
// state.MaxValue could never be stored.
const (
	maxCode    = 64
	maxMessage = 400
)

func newReason(class retry.Class, code, message string) intent.Reason {
	return intent.Reason{Class: class.String(), Code: truncate(code, maxCode), Message: truncate(message, maxMessage)}
}

// reasonOf is why a batch was refused, as an intent keeps it.
func reasonOf(e *sink.RowError) intent.Reason { return newReason(e.Class, e.Code, e.Message) }

// truncate is as much of s as fits in a line of n bytes, made printable.
func truncate(s string, n int) string { return printable.Line(s, n) }
