package openai

import (
	"bytes"
	"cmp"
	"errors"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// judge finds out what became of a row that has a response: by its status, and
// where that says success or nothing at all, by its body.
func judge(o *sink.Outcome) {
	if o.Status != 0 && o.Status/100 != 2 {
		o.Err = statusError(o.Status, o.Body)
		return
	}
	silent := isSilent(o.Body)
	switch {
	case o.Status == 0 && (silent || string(o.Body) == "{}"):
		o.Err = &sink.RowError{Class: retry.Retryable, Code: "not_executed", Message: "the row has neither a status nor an answer: it was not run"}
	case silent:
		o.Err = &sink.RowError{Class: retry.Permanent, Code: "no_answer", Message: "the provider reports success, and no answer"}
	default:
		o.Err = bodyError(o.Body)
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
func statusError(status int, body []byte) *sink.RowError {
	if e, ok := errors.AsType[*retry.Error](retry.HTTP(retry.Idempotent, status, nil, body)); ok {
		return &sink.RowError{Class: e.Class, Code: cmp.Or(e.Code, "status_"+strconv.Itoa(status)), Message: e.Message}
	}
	return nil
}

// bodyError is the failure that a body reports under a status of success: it is
// text, such as the page of a proxy, or it holds an error and no answer.
func bodyError(body []byte) *sink.RowError {
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
	failed := reply.Object == "response" && string(reply.Status) == `"failed"`
	switch {
	case len(reply.Error) > 0 && string(reply.Error) != "null" && len(reply.Choices)+len(reply.Data) == 0:
		return reportedError(body, reply.Error)
	case failed:
		return &sink.RowError{Class: retry.Permanent, Code: "failed", Message: "the provider gave no reason"}
	}
	return nil
}

// reportedError is an error object, or words in its place. Some servers give the
// status that they would have answered with as its code.
func reportedError(body, reported []byte) *sink.RowError {
	var fault rowFault
	_ = fault.UnmarshalJSON(reported) // never fails
	if status, err := strconv.Atoi(fault.Code); err == nil && status/100 >= 4 && status/100 <= 5 {
		return statusError(status, body)
	}
	fault.Code = cmp.Or(fault.Code, "error")
	return fault.rowError()
}
