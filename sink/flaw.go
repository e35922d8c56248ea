package sink

import (
	"github.com/balerhq/baler/internal/printable"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/llm"
)

// maxMessage bounds what is kept of a model's words in an error, in bytes.
const maxMessage = 400

// flawOf is why a reply is no success: it is cut, filtered, refused or empty. It
// is nil if the reply is a full answer. The same request would most likely end
// likewise, and has been paid for, so it is not retried.
func flawOf(reply *llm.Reply) *RowError {
	flaw := reply.Flaw()
	if flaw == "" {
		return nil
	}
	message := flaw.String()
	if reply.Refusal != "" {
		message += ": " + reply.Refusal
	}
	return &RowError{Class: retry.Permanent, Code: string(flaw), Message: printable.Line(message, maxMessage)}
}
