// Package resultline reads the lines of result files that name a row by its
// custom_id and have its response or its error, as OpenAI and Mistral write
// them.
package resultline

import (
	"bytes"
	"cmp"
	stdjson "encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/loose"
)

// IDMember is the member of a line that names its row.
const IDMember = "custom_id"

// Reader reads the lines of one provider.
type Reader struct {
	// ReadError reads the error body of a row that has a status.
	ReadError retry.Grammar
	// ClassOf is the class of the code of a row that has none. It is Permanent
	// of a code that nobody knows.
	ClassOf func(code string) retry.Class
}

type resultLine struct {
	CustomID string `json:"custom_id"`
	Response *struct {
		StatusCode int            `json:"status_code"`
		Body       jsontext.Value `json:"body"`
	} `json:"response"`
	Error rowFault `json:"error"`
}

// rowFault is an error as it stands in a line: an object, or words.
type rowFault struct {
	Code    string
	Message string
}

// UnmarshalJSON takes whatever the error is.
func (f *rowFault) UnmarshalJSON(b []byte) error {
	var known struct {
		Code    jsontext.Value `json:"code"`
		Type    jsontext.Value `json:"type"`
		Message jsontext.Value `json:"message"`
	}
	switch string(b) {
	case "null", "false", `""`:
		return nil
	}
	if jsontext.Value(b).Kind() == '{' {
		if err := json.Unmarshal(b, &known, tolerant); err != nil {
			return err
		}
		*f = rowFault{Code: loose.AsWritten(known.Code), Message: loose.AsWritten(known.Message)}
	} else {
		*f = rowFault{Code: "error", Message: loose.AsWritten(b)}
	}
	if kind := loose.AsWritten(known.Type); f.Code == "" && f.Message+kind != "" {
		f.Code = cmp.Or(kind, "error")
	}
	return nil
}

func (r *Reader) rowError(f *rowFault) *sink.RowError {
	return &sink.RowError{Class: r.ClassOf(f.Code), Code: loose.Words(f.Code), Message: loose.Words(f.Message)}
}

// tolerant reads what compatible servers write.
var tolerant = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// Parse reads one line of an output or error file. Beside an error the Outcome
// belongs to no row.
func (r *Reader) Parse(line []byte) (sink.Outcome, error) {
	if o, ok := parseAnswered(line); ok {
		r.judge(&o)
		return o, nil
	}
	var l resultLine
	if err := json.Unmarshal(line, &l, tolerant); err != nil {
		return sink.Outcome{Err: &sink.RowError{
			Class: retry.Permanent, Code: "unreadable_line", Message: loose.Words(err.Error()),
		}}, err
	}
	o := sink.Outcome{ID: l.CustomID}
	if l.Response != nil {
		o.Status, o.Body = l.Response.StatusCode, stdjson.RawMessage(l.Response.Body)
	}
	switch {
	case l.Error != rowFault{}:
		o.Err = r.rowError(&l.Error)
		r.reclass(&o)
	case l.Response == nil:
		o.Err = &sink.RowError{Class: retry.Retryable, Code: "no_response", Message: "the line has neither response nor error"}
	default:
		r.judge(&o)
	}
	o.Skipped = o.Status == 0 && o.Err != nil
	return o, nil
}

// reclass gives a row that has both an error and a status the class of the
// status, if its code says nothing: what was turned away passes later.
func (r *Reader) reclass(o *sink.Outcome) {
	if o.Err.Class != retry.Permanent || o.Status == 0 || o.Status/100 == 2 {
		return
	}
	if by := r.statusError(o.Status, o.Body); by != nil {
		o.Err.Class = by.Class
	}
}

// judge finds out what became of a row that has a response: by its status, and
// where that says success or nothing at all, by its body.
func (r *Reader) judge(o *sink.Outcome) {
	if o.Status != 0 && o.Status/100 != 2 {
		o.Err = r.statusError(o.Status, o.Body)
		return
	}
	silent := isSilent(o.Body)
	switch {
	case o.Status == 0 && (silent || string(o.Body) == "{}"):
		o.Err = &sink.RowError{Class: retry.Retryable, Code: "not_executed", Message: "the row has neither a status nor an answer: it was not run"}
	case silent:
		o.Err = &sink.RowError{Class: retry.Permanent, Code: "no_answer", Message: "the provider reports success, and no answer"}
	default:
		o.Err = r.bodyError(o.Body)
	}
	if o.Status == 0 && o.Err == nil {
		o.Status = http.StatusOK // some servers name no status of what they have answered
	}
}

// isSilent reports whether a body says nothing.
func isSilent(body []byte) bool {
	return len(body) == 0 || string(body) == "null" || string(body) == `""`
}

// statusError is the failure that a status other than 2xx reports.
func (r *Reader) statusError(status int, body []byte) *sink.RowError {
	if e, ok := errors.AsType[*retry.Error](r.ReadError(retry.EffectIdempotent, status, nil, body)); ok {
		return &sink.RowError{Class: e.Class, Code: cmp.Or(e.Code, "status_"+strconv.Itoa(status)), Message: e.Message}
	}
	return nil
}

// bodyError is the failure that a body reports under a status of success: it is
// text, such as the page of a proxy, or it holds an error and no answer.
func (r *Reader) bodyError(body []byte) *sink.RowError {
	if jsontext.Value(body).Kind() == '"' {
		return &sink.RowError{Class: retry.Permanent, Code: "unreadable_reply", Message: "the answer is no object but text"}
	}
	if !bytes.Contains(body, []byte(`"error"`)) && !bytes.Contains(body, []byte(`"failed"`)) {
		return nil // which saves the parsing of nearly all
	}
	var reply struct {
		Object  string         `json:"object"`
		Status  jsontext.Value `json:"status"`
		Error   jsontext.Value `json:"error"`
		Choices jsontext.Value `json:"choices"`
		Data    jsontext.Value `json:"data"`
	}
	_ = json.Unmarshal(body, &reply, tolerant) // what it is not is left to whoever reads the answer
	if reply.Object == "error" {
		return r.reportedError(body, body)
	}
	failed := reply.Object == "response" && string(reply.Status) == `"failed"`
	switch {
	case len(reply.Error) > 0 && string(reply.Error) != "null" && len(reply.Choices)+len(reply.Data) == 0:
		return r.reportedError(body, reply.Error)
	case failed:
		return &sink.RowError{Class: retry.Permanent, Code: "failed", Message: "the provider gave no reason"}
	}
	return nil
}

// reportedError is an error object, or words in its place. Some servers give
// the status that they would have answered with as its code.
func (r *Reader) reportedError(body, reported []byte) *sink.RowError {
	var fault rowFault
	_ = fault.UnmarshalJSON(reported) // never fails
	if status, err := strconv.Atoi(fault.Code); err == nil && status/100 >= 4 && status/100 <= 5 {
		return r.statusError(status, body)
	}
	fault.Code = cmp.Or(fault.Code, "error")
	return r.rowError(&fault)
}
