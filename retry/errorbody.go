package retry

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/internal/printable"
)

// maxMessage bounds the text of a server in an error. Errors end in logs and
// records, and a proxy may echo a whole request.
const maxMessage = 4 << 10

// errorBody is the content that the error envelopes of all providers share.
type errorBody struct {
	code, message, param, requestID string
	delay                           time.Duration
}

// envelope is the outer shape of a reply. OpenAI, Anthropic and Gemini nest the
// error; Mistral writes it flat, or as a validation detail.
type envelope struct {
	Error     json.RawMessage `json:"error"`
	Detail    json.RawMessage `json:"detail"`
	RequestID string          `json:"request_id"`
	inner
}

// inner is the error inside the envelope. Fields whose type differs between
// providers stay raw.
type inner struct {
	Message json.RawMessage `json:"message"`
	Type    string          `json:"type"`
	Param   json.RawMessage `json:"param"`
	Code    json.RawMessage `json:"code"`
	Status  string          `json:"status"`
	Details json.RawMessage `json:"details"`
}

// parseErrorBody reads as much of body as it can and never fails. A body in no
// known envelope gives an empty errorBody.
func parseErrorBody(body []byte) errorBody {
	var env envelope
	if decode(unwrapList(body), &env) != nil {
		return errorBody{}
	}
	in := env.inner
	if len(env.Error) > 0 && string(env.Error) != "null" {
		in = inner{}
		if decode(env.Error, &in) != nil {
			in = inner{Message: env.Error} // {"error": "words"}
		}
	}
	b := errorBody{requestID: clip(env.RequestID), message: text(in.Message), param: clip(name(in.Param))}
	if b.message == "" {
		b.message = text(env.Detail)
	}
	b.readDetails(in.Details)
	b.code = clip(firstNonEmpty(b.code, name(in.Code), in.Status, in.Type))
	return b
}

// decode skips a field of an unexpected type and keeps the rest.
func decode(raw []byte, into any) error {
	err := json.Unmarshal(raw, into)
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) && bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return nil
	}
	return err
}

// unwrapList returns the error in the list of one that the streaming endpoints
// of Gemini send.
func unwrapList(body []byte) []byte {
	var list []json.RawMessage
	if bytes.HasPrefix(body, []byte("[")) && json.Unmarshal(body, &list) == nil && len(list) > 0 {
		return list[0]
	}
	return body
}

// readDetails reads the list of typed messages of Gemini or the object of
// Anthropic.
func (b *errorBody) readDetails(raw json.RawMessage) {
	var anthropic struct {
		Code string `json:"error_code"`
	}
	if json.Unmarshal(raw, &anthropic) == nil {
		b.code = anthropic.Code
		return
	}
	var google []struct {
		RetryDelay string `json:"retryDelay"`
		Reason     string `json:"reason"`
	}
	if json.Unmarshal(raw, &google) != nil {
		return
	}
	for _, d := range google {
		if delay, err := time.ParseDuration(d.RetryDelay); err == nil {
			b.delay = max(b.delay, delay)
		}
		if slices.Contains(blockedCodes, d.Reason) {
			b.code = d.Reason
		}
	}
}

// blockedCodes need an operator whatever status they come with: OpenAI's
// account states, Anthropic's spend limit, Gemini's refused key.
var blockedCodes = []string{
	"insufficient_quota", "billing_hard_limit_reached", "billing_not_active",
	"enforced_spend_limit_reached", "billing_error",
	"API_KEY_INVALID",
}

// blockedMessages are prefixes of the replies of Anthropic for an empty or
// capped account. Their code is that of a malformed request, so there is no
// other sign.
var blockedMessages = []string{
	"You have reached your specified API usage limits",
	"Your credit balance is too low",
}

func (b errorBody) blocked() bool {
	return slices.Contains(blockedCodes, b.code) ||
		slices.ContainsFunc(blockedMessages, func(s string) bool { return strings.HasPrefix(b.message, s) })
}

// name returns the value of a JSON string. A number is no name: that of Gemini
// only repeats the HTTP status.
func name(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// text returns the value of a JSON string, and anything else as it is written.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = string(raw)
	}
	return clip(s)
}

// clip makes the text of a server printable and short enough for an error.
func clip(s string) string { return printable.Line(s, maxMessage) }

func firstNonEmpty(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
