package anthropic

import (
	"cmp"
	stdjson "encoding/json"
	"errors"
	"net/http"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/internal/errorbody"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/download"
	"github.com/balerhq/baler/sink/internal/loose"
)

// resultFormat is how the lines of results are written.
var resultFormat = download.Format{Parse: parseLine, ID: "custom_id"}

type resultLine struct {
	CustomID string `json:"custom_id"`
	Result   struct {
		Type    string         `json:"type"`
		Message jsontext.Value `json:"message"`
		Error   jsontext.Value `json:"error"`
	} `json:"result"`
}

// errNoResult is a line that says nothing about its row. It is as good as torn.
var errNoResult = errors.New("the line has no result")

// parseLine reads a line of the results. Beside an error the Outcome belongs to
// no row.
func parseLine(line []byte) (sink.Outcome, error) {
	var l resultLine
	err := jsonv2.Unmarshal(line, &l, tolerant)
	kind := strings.ToLower(l.Result.Type)
	if err == nil && kind == "" {
		err = errNoResult
	}
	if err != nil {
		return sink.Outcome{Err: &sink.RowError{
			Class: retry.Permanent, Code: "unreadable_line", Message: loose.Words(err.Error()),
		}}, err
	}
	o := sink.Outcome{ID: l.CustomID}
	switch kind {
	case "succeeded":
		succeed(&o, l.Result.Message)
	case "errored":
		fail(&o, l.Result.Error)
	case "canceled", "cancelled":
		skip(&o, "batch_cancelled", "the batch was canceled before the row ran")
	case "expired":
		skip(&o, "batch_expired", "the batch expired before the row ran")
	default: // it may have run
		o.Body = stdjson.RawMessage(cmp.Or(string(l.Result.Message), string(l.Result.Error)))
		o.Err = &sink.RowError{
			Class: retry.Permanent, Code: "unknown_result", Message: "the result is of a type that is not known: " + loose.Words(l.Result.Type),
		}
	}
	return o, nil
}

func succeed(o *sink.Outcome, message jsontext.Value) {
	o.Status, o.Body = http.StatusOK, stdjson.RawMessage(message)
	if message.Kind() != '{' {
		o.Err = &sink.RowError{Class: retry.Permanent, Code: "no_answer", Message: "the provider reports success, and no answer"}
	}
}

// skip is for a row that the provider says it has not run.
func skip(o *sink.Outcome, code, message string) {
	o.Skipped = true
	o.Err = &sink.RowError{Class: retry.Retryable, Code: code, Message: message}
}

// statuses are those of calls that fail with a type of error. A row that failed
// has the type alone.
var statuses = map[string]int{
	"invalid_request_error": http.StatusBadRequest,
	"authentication_error":  http.StatusUnauthorized,
	"billing_error":         http.StatusPaymentRequired,
	"permission_error":      http.StatusForbidden,
	"not_found_error":       http.StatusNotFound,
	"conflict_error":        http.StatusConflict,
	"request_too_large":     http.StatusRequestEntityTooLarge,
	"rate_limit_error":      http.StatusTooManyRequests,
	"api_error":             http.StatusInternalServerError,
	"timeout_error":         http.StatusGatewayTimeout,
	"overloaded_error":      statusOverloaded,
}

const statusOverloaded = 529

// fail is for a row that failed. A type that is not known counts as an error of
// the provider's, which passes.
func fail(o *sink.Outcome, reported jsontext.Value) {
	body := errorbody.Read(reported)
	o.Status = cmp.Or(statuses[body.Type], http.StatusInternalServerError)
	o.Body = stdjson.RawMessage(reported)
	o.Err = &sink.RowError{Class: retry.Retryable, Code: "errored", Message: "the provider gave no reason"}
	if said, ok := errors.AsType[*retry.Error](ReadError(retry.EffectIdempotent, o.Status, nil, reported)); ok {
		o.Err = &sink.RowError{Class: said.Class, Code: cmp.Or(said.Code, "errored"), Message: said.Message}
	}
}
