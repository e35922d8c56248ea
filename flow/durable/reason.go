package durable

import (
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/printable"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// These limit how much of a provider's message an intent keeps, in bytes. JSON
// may need six bytes for each. An intent whose record is longer than
// state.MaxValue could never be stored.
const (
	maxCode    = 64
	maxMessage = 400
)

func newReason(class retry.Class, code, message string) intent.Reason {
	return intent.Reason{Class: class.String(), Code: truncate(code, maxCode), Message: truncate(message, maxMessage)}
}

// reasonOf returns why a batch was refused, as an intent keeps it.
func reasonOf(e *sink.RowError) intent.Reason { return newReason(e.Class, e.Code, e.Message) }

// truncate returns as much of s as fits in a line of n bytes, made printable.
func truncate(s string, n int) string { return printable.Line(s, n) }
