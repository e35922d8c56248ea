package batchapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"

	"github.com/balerhq/baler/flow/durable"
)

// batchLine is a line of OpenAI's results.
type batchLine struct {
	ID       string        `json:"id"`
	CustomID string        `json:"custom_id"`
	Response *lineResponse `json:"response"`
	Error    *lineFailure  `json:"error"`
}

type lineResponse struct {
	Status    int    `json:"status_code"`
	RequestID string `json:"request_id"`
	Body      any    `json:"body"`
}

type lineFailure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// id makes a name for the request, the same each time.
func (o *outputs) id(prefix string, r *durable.Result) string {
	sum := sha256.Sum256([]byte(o.ID + "\x00" + r.ID))
	return prefix + hex.EncodeToString(sum[:12])
}

func (o *outputs) batchLine(r *durable.Result, a *answer) batchLine {
	l := batchLine{ID: o.id("batch_req_", r), CustomID: r.ID, Response: &lineResponse{Status: a.status, RequestID: o.id("req_", r), Body: a.body}}
	if a.provider != OpenAI && o.Endpoint != embeddingsEndpoint {
		l.Response.Body = o.openaiBody(r, &a.reply)
	}
	return l
}

// errorLine is the line of a request that has failed, or that never ran.
func (o *outputs) errorLine(r *durable.Result, a *answer, end status) batchLine {
	l := batchLine{ID: o.id("batch_req_", r), CustomID: r.ID}
	switch {
	case r.Status == durable.ItemCancelled && end == expired:
		l.Error = &lineFailure{"batch_expired", "This request could not be executed before the completion window expired."}
	case r.Status == durable.ItemCancelled:
		l.Error = &lineFailure{"batch_cancelled", "This request was not executed because the batch was cancelled."}
	case a.status >= http.StatusBadRequest:
		l.Response = &lineResponse{Status: a.status, RequestID: o.id("req_", r), Body: a.body}
		if a.provider != OpenAI || len(a.body) == 0 {
			l.Response.Body = openaiError(&apiError{status: a.status, code: r.Error.Code, message: r.Error.Message})
		}
	case r.Error == nil:
		l.Error = &lineFailure{"invalid_answer", "The answer of the provider cannot be read."}
	default:
		l.Error = &lineFailure{r.Error.Code, r.Error.Message}
	}
	return l
}

// messagesLine is a line of Anthropic's results.
type messagesLine struct {
	CustomID string         `json:"custom_id"`
	Result   messagesResult `json:"result"`
}

type messagesResult struct {
	Type    string `json:"type"`
	Message any    `json:"message,omitempty"`
	Error   any    `json:"error,omitempty"`
}

func (o *outputs) messagesResult(r *durable.Result, a *answer, isAnswered bool, end status) messagesResult {
	switch {
	case isAnswered && a.provider == Anthropic:
		return messagesResult{Type: "succeeded", Message: a.body}
	case isAnswered:
		return messagesResult{Type: "succeeded", Message: o.message(r, &a.reply)}
	case r.Status == durable.ItemCancelled && end == expired:
		return messagesResult{Type: "expired"}
	case r.Status == durable.ItemCancelled:
		return messagesResult{Type: "canceled"}
	case a.provider == Anthropic && isAnthropicError(a.body):
		return messagesResult{Type: "errored", Error: a.body}
	}
	message := "The answer of the provider cannot be read."
	if r.Error != nil {
		message = r.Error.Message
	}
	return messagesResult{Type: "errored", Error: anthropicError(a.status, message)}
}

// isAnthropicError reports whether a body is an error in Anthropic's envelope.
func isAnthropicError(body json.RawMessage) bool {
	var e struct {
		Type  string          `json:"type"`
		Error json.RawMessage `json:"error"`
	}
	return json.Unmarshal(body, &e) == nil && e.Type == "error" && len(e.Error) > 0
}
