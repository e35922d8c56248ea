package gemini

import (
	"cmp"
	stdjson "encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/loose"
	"github.com/balerhq/baler/sink/internal/wire"
)

// The codes of google.rpc.Code that mean something of their own here.
const (
	codeCancelled = 1
	codeExhausted = 8
)

// rpcCode is an error code: its name, the HTTP status that goes with it, and
// whether the same request may pass later.
type rpcCode struct {
	name    string
	status  int
	retries bool
}

var rpcCodes = []rpcCode{
	1:  {"CANCELLED", 499, true},
	2:  {"UNKNOWN", http.StatusInternalServerError, false},
	3:  {"INVALID_ARGUMENT", http.StatusBadRequest, false},
	4:  {"DEADLINE_EXCEEDED", http.StatusGatewayTimeout, true},
	5:  {"NOT_FOUND", http.StatusNotFound, false},
	6:  {"ALREADY_EXISTS", http.StatusConflict, false},
	7:  {"PERMISSION_DENIED", http.StatusForbidden, false},
	8:  {"RESOURCE_EXHAUSTED", http.StatusTooManyRequests, true},
	9:  {"FAILED_PRECONDITION", http.StatusBadRequest, false},
	10: {"ABORTED", http.StatusConflict, false},
	11: {"OUT_OF_RANGE", http.StatusBadRequest, false},
	12: {"UNIMPLEMENTED", http.StatusNotImplemented, false},
	13: {"INTERNAL", http.StatusInternalServerError, true},
	14: {"UNAVAILABLE", http.StatusServiceUnavailable, true},
	15: {"DATA_LOSS", http.StatusInternalServerError, false},
	16: {"UNAUTHENTICATED", http.StatusUnauthorized, false},
}

// fault is an error as it stands in a row or in an operation, where there is no
// HTTP status: a google.rpc.Status.
type fault struct {
	isSet   bool
	code    int // of google.rpc.Code, 0 if it is none
	status  int // HTTP
	word    string
	message string
	blocked bool
	raw     jsontext.Value
}

// parseFault reads an error. The code may also be an HTTP status, and the error
// may be words. Zero, null and an empty object or text are none.
func parseFault(v jsontext.Value) (f fault) {
	o := wire.Members(v)
	f = fault{code: int(number(o["code"])), word: o.Text("status"), message: o.Text("message"), raw: v}
	if o == nil {
		f.message = wire.Text(v)
	}
	f.isSet = f.code != 0 || f.word != "" || f.message != ""
	if !f.isSet {
		return fault{}
	}
	if f.blocked = blocks(o["details"]); f.blocked {
		f.word = refusedKey
	}
	if f.code >= 100 && f.code < 600 {
		f.status, f.code = f.code, 0
	}
	for code, known := range rpcCodes {
		if known.name != "" && (code == f.code || f.code == 0 && known.name == f.word) {
			f.code, f.status, f.word = code, cmp.Or(f.status, known.status), cmp.Or(f.word, known.name)
		}
	}
	f.word = cmp.Or(f.word, f.unnamed())
	return f
}

// unnamed is the code of an error that the table does not name.
func (f *fault) unnamed() string {
	if f.status != 0 {
		return "status_" + strconv.Itoa(f.status)
	}
	if f.code != 0 {
		return "code_" + strconv.Itoa(f.code)
	}
	return "error"
}

// passesLater reports whether the same request may pass later.
func (f *fault) passesLater() bool {
	if f.code > 0 && f.code < len(rpcCodes) {
		return rpcCodes[f.code].retries
	}
	return f.status == http.StatusTooManyRequests || f.status == http.StatusRequestTimeout || f.status >= http.StatusInternalServerError
}

func (f *fault) rowError() *sink.RowError {
	class := retry.Permanent
	switch {
	case f.blocked:
		class = retry.Blocked
	case f.passesLater():
		class = retry.Retryable
	}
	return &sink.RowError{Class: class, Code: loose.Words(f.word), Message: loose.Words(f.message)}
}

// outcome is what became of a row. One that was cancelled was not run.
func (f *fault) outcome(id string) sink.Outcome {
	o := sink.Outcome{ID: id, Status: f.status, Body: stdjson.RawMessage(f.raw), Err: f.rowError()}
	if f.code == codeCancelled {
		o.Status, o.Body, o.Skipped, o.Err.Code = 0, nil, true, "batch_cancelled"
	}
	return o
}

// refusal is why a batch failed before any row of it ran. What is wrong with
// the request never passes; for the rest nobody knows.
func (f *fault) refusal() *sink.RowError {
	e := f.rowError()
	e.Code = cmp.Or(e.Code, failed)
	e.Message = cmp.Or(e.Message, "the provider gave no reason")
	switch {
	case e.Class == retry.Blocked:
	case isTooLarge(f.message):
		e.Class, e.Cause = retry.Permanent, sink.ErrTooLarge
	case f.code == codeExhausted:
		e.Cause = full(f.message)
	case e.Class == retry.Retryable:
		e.Cause = sink.ErrNotYet
	case f.status == http.StatusUnauthorized, f.status == http.StatusForbidden:
		e.Class = retry.Blocked
	case f.status != http.StatusBadRequest && f.status != http.StatusNotImplemented:
		e.Class = retry.Retryable
	}
	return e
}

// isTooLarge reports whether words are about the size of what was sent.
func isTooLarge(message string) bool {
	words := strings.ToLower(message)
	return strings.Contains(words, "size exceeds") || strings.Contains(words, "too large")
}
