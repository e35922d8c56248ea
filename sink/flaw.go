package sink

import (
	"encoding/json"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/llm"
)

// Flaw is why a reply is no success: it is cut, filtered, refused or empty. It
// is nil if the reply is a full answer. The same request would most likely end
// likewise, and has been paid for, so it is not retried.
func Flaw(reply *llm.Reply) *RowError {
	flaw := reply.Flaw()
	if flaw == "" {
		return nil
	}
	message := flaw.String()
	if reply.Refusal != "" {
		message += ": " + reply.Refusal
	}
	return &RowError{Class: retry.Permanent, Code: string(flaw), Message: message}
}

// judge is why an answer is no success, if the provider can read it.
func judge(p Provider, body json.RawMessage) *RowError {
	codec := p.Info().Codec
	if codec == nil {
		return nil
	}
	reply, err := codec.Decode(body)
	if err != nil {
		return &RowError{Class: retry.Permanent, Code: "unreadable_reply", Message: err.Error()}
	}
	return Flaw(&reply)
}
