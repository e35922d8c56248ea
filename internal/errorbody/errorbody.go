// Package errorbody reads the bodies of error replies, in whatever shape they
// come. What the words in them mean is for the provider's package to say.
package errorbody

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"time"

	"github.com/balerhq/baler/internal/printable"
)

// maxText bounds the text of a server in an error. Errors end in logs and
// records, and a proxy may echo a whole request.
const maxText = 4 << 10

// Body is what an error reply says. Every field may be empty. All texts are
// printable: one line, at most 4 KiB, without control characters.
type Body struct {
	Code, Status, Type string // the word for the error, under the names that it may have
	Message            string
	Param              string
	RequestID          string
	Details            json.RawMessage // as they are written
}

// Word returns the most exact word that the body has for the error: the code in
// its details, if these are an object with one, or its code, status or type.
func (b *Body) Word() string {
	var details struct {
		Code string `json:"error_code"`
	}
	if len(b.Details) > 0 && json.Unmarshal(b.Details, &details) != nil {
		details.Code = ""
	}
	return cmp.Or(Clip(details.Code), b.Code, b.Status, b.Type)
}

// envelope is the outer shape of a reply. The error is nested, or flat, or a
// validation detail.
type envelope struct {
	Error     json.RawMessage `json:"error"`
	Detail    json.RawMessage `json:"detail"`
	RequestID string          `json:"request_id"`
	inner
}

// inner is the error inside the envelope. Fields whose type differs between
// servers stay raw.
type inner struct {
	Message json.RawMessage `json:"message"`
	Type    string          `json:"type"`
	Param   json.RawMessage `json:"param"`
	Code    json.RawMessage `json:"code"`
	Status  string          `json:"status"`
	Details json.RawMessage `json:"details"`
}

// Read reads as much of a body as it can and never fails. A body in no known
// shape gives an empty Body.
func Read(body []byte) Body {
	var env envelope
	if decode(unwrapList(body), &env) != nil {
		return Body{}
	}
	in := env.inner
	if len(env.Error) > 0 && string(env.Error) != "null" {
		in = inner{}
		if decode(env.Error, &in) != nil {
			in = inner{Message: env.Error} // {"error": "words"}
		}
	}
	if in.Message == nil && len(env.Detail) > 0 {
		in = validation(env.Detail)
	}
	in.Message = nested(in.Message)
	message := text(in.Message)
	return Body{
		Code: Clip(name(in.Code)), Status: Clip(in.Status), Type: Clip(in.Type),
		Message: message, Param: Clip(name(in.Param)), RequestID: Clip(env.RequestID), Details: in.Details,
	}
}

// Detail is one of the typed messages of google.rpc in Body.Details, with which
// servers over gRPC explain an error.
type Detail struct {
	RetryDelay string `json:"retryDelay"` // of a RetryInfo
	Reason     string `json:"reason"`     // of an ErrorInfo
}

// TypedDetails returns the details if they are a list of typed messages.
func (b *Body) TypedDetails() []Detail {
	var list []Detail
	if json.Unmarshal(b.Details, &list) != nil {
		return nil
	}
	return list
}

// RetryDelay returns the longest delay that the typed details ask for.
func (b *Body) RetryDelay() (longest time.Duration) {
	for _, d := range b.TypedDetails() {
		if delay, err := time.ParseDuration(d.RetryDelay); err == nil {
			longest = max(longest, delay)
		}
	}
	return longest
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

// unwrapList returns the error in the list of one that streaming endpoints
// send.
func unwrapList(body []byte) []byte {
	var list []json.RawMessage
	if bytes.HasPrefix(body, []byte("[")) && json.Unmarshal(body, &list) == nil && len(list) > 0 {
		return list[0]
	}
	return body
}

// name returns the value of a JSON string. A number is no name: where it is
// given, it only repeats the HTTP status.
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
	return Clip(s)
}

// Clip makes the text of a server printable and short enough for an error.
func Clip(s string) string { return printable.Line(s, maxText) }
