package openai

import (
	"bytes"
	stdjson "encoding/json"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

type resultLine struct {
	CustomID string `json:"custom_id"`
	Response *struct {
		StatusCode int            `json:"status_code"`
		Body       jsontext.Value `json:"body"`
	} `json:"response"`
	Error *rowFault `json:"error"`
}

type rowFault struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (f *rowFault) rowError() *sink.RowError {
	return &sink.RowError{Class: codeClass(f.Code), Code: words(f.Code), Message: words(f.Message)}
}

// tolerant reads what compatible servers write. Every result row passes here
// twice, so the reader is the one of encoding/json/v2, which looks at each byte
// once: it takes a quarter of the time of encoding/json.
var tolerant = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// parseLine reads one line of an output or error file. Beside an error the
// Outcome belongs to no row.
func parseLine(line []byte) (sink.Outcome, error) {
	var l resultLine
	if err := json.Unmarshal(line, &l, tolerant); err != nil {
		return sink.Outcome{Err: &sink.RowError{
			Class: retry.Permanent, Code: "unreadable_line", Message: words(err.Error()),
		}}, err
	}
	o := sink.Outcome{ID: l.CustomID}
	if l.Response != nil {
		o.Status, o.Body = l.Response.StatusCode, stdjson.RawMessage(l.Response.Body)
	}
	switch {
	case l.Error != nil && *l.Error != rowFault{}:
		o.Err = l.Error.rowError()
	case l.Response == nil:
		o.Err = &sink.RowError{Class: retry.Retryable, Code: "no_response", Message: "the line has neither response nor error"}
	default:
		o.Err = rowError(o.Status, o.Body)
	}
	return o, nil
}

func rowError(status int, body []byte) *sink.RowError {
	err := retry.HTTP(retry.Idempotent, status, nil, body)
	var e *retry.Error
	if !errors.As(err, &e) {
		return failedResponse(body)
	}
	return &sink.RowError{Class: e.Class, Code: e.Code, Message: e.Message}
}

// failedResponse is the failure that the responses endpoint reports under
// status 200.
func failedResponse(body []byte) *sink.RowError {
	if !bytes.Contains(body, []byte(`"failed"`)) { // which is seldom, and saves the parsing
		return nil
	}
	var response struct {
		Object string    `json:"object"`
		Status string    `json:"status"`
		Error  *rowFault `json:"error"`
	}
	readable := json.Unmarshal(body, &response, tolerant) == nil
	if !readable || response.Object != "response" || response.Status != "failed" {
		return nil
	}
	e := &sink.RowError{Class: retry.Permanent, Code: "failed", Message: "the provider gave no reason"}
	if response.Error != nil {
		e = response.Error.rowError()
	}
	return e
}
