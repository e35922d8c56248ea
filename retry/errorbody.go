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

// maxMessage bounds what an error carries of a server's words: errors end in
// logs and records, and a proxy may echo a whole request.
const maxMessage = 4 << 10

// fault is what the error envelopes of all providers come down to.
type fault struct {
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

// inner is the error proper. Fields of which providers disagree on the type
// stay raw.
type inner struct {
	Message json.RawMessage `json:"message"`
	Type    string          `json:"type"`
	Param   json.RawMessage `json:"param"`
	Code    json.RawMessage `json:"code"`
	Status  string          `json:"status"`
	Details json.RawMessage `json:"details"`
}

// parseFault reads what it can of body and never fails: a body that is no known
// envelope is an empty fault.
func parseFault(body []byte) fault {
	var env envelope
	if decode(firstOf(body), &env) != nil {
		return fault{}
	}
	in := env.inner
	if len(env.Error) > 0 && string(env.Error) != "null" {
		in = inner{}
		if decode(env.Error, &in) != nil {
			in = inner{Message: env.Error} // {"error": "words"}
		}
	}
	f := fault{requestID: clip(env.RequestID), message: words(in.Message), param: clip(name(in.Param))}
	if f.message == "" {
		f.message = words(env.Detail)
	}
	f.readDetails(in.Details)
	f.code = clip(firstNonEmpty(f.code, name(in.Code), in.Status, in.Type))
	return f
}

// decode unmarshals leniently: a field of an unexpected type is skipped and the
// rest is kept.
func decode(raw []byte, into any) error {
	err := json.Unmarshal(raw, into)
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) && bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return nil
	}
	return err
}

// firstOf unpacks the array of one that Gemini's streaming endpoints wrap an
// error in.
func firstOf(body []byte) []byte {
	var list []json.RawMessage
	if bytes.HasPrefix(body, []byte("[")) && json.Unmarshal(body, &list) == nil && len(list) > 0 {
		return list[0]
	}
	return body
}

// readDetails takes Gemini's list of typed messages or Anthropic's object.
func (f *fault) readDetails(raw json.RawMessage) {
	var anthropic struct {
		Code string `json:"error_code"`
	}
	if json.Unmarshal(raw, &anthropic) == nil {
		f.code = anthropic.Code
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
			f.delay = max(f.delay, delay)
		}
		if slices.Contains(blockedCodes, d.Reason) {
			f.code = d.Reason
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

// blockedMessages begin the replies of Anthropic that tell of an empty or
// capped account under the code of a malformed request. There is no other sign.
var blockedMessages = []string{
	"You have reached your specified API usage limits",
	"Your credit balance is too low",
}

func (f fault) blocked() bool {
	return slices.Contains(blockedCodes, f.code) ||
		slices.ContainsFunc(blockedMessages, func(s string) bool { return strings.HasPrefix(f.message, s) })
}

// name is a JSON string's value. A number is no name: Gemini's only repeats the
// HTTP status.
func name(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// words is a JSON string's value, and anything else as it is written.
func words(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = string(raw)
	}
	return clip(s)
}

// clip makes a server's words fit for an error: errors are printed.
func clip(s string) string { return printable.Line(s, maxMessage) }

func firstNonEmpty(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
