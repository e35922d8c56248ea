package anthropic

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// statusOverloaded is Anthropic's own.
const statusOverloaded = 529

// kinds are the types of errors, by the status that they come with.
var kinds = map[int]string{
	http.StatusBadRequest:            "invalid_request_error",
	http.StatusUnauthorized:          "authentication_error",
	http.StatusPaymentRequired:       "billing_error",
	http.StatusForbidden:             "permission_error",
	http.StatusNotFound:              "not_found_error",
	http.StatusConflict:              "conflict_error",
	http.StatusRequestEntityTooLarge: "request_too_large",
	http.StatusTooManyRequests:       "rate_limit_error",
	http.StatusGatewayTimeout:        "timeout_error",
	statusOverloaded:                 "overloaded_error",
}

// kindOf returns the type of an error with this status.
func kindOf(status int) string {
	switch kind := kinds[status]; {
	case kind != "":
		return kind
	case status == 0 || status == http.StatusRequestTimeout:
		return "timeout_error"
	case status >= http.StatusInternalServerError:
		return "api_error"
	}
	return "invalid_request_error"
}

func isKind(code string) bool {
	for _, kind := range kinds {
		if kind == code {
			return true
		}
	}
	return code == "api_error"
}

// apiError is an error as Anthropic's API reports it.
type apiError struct {
	status  int
	message string
	code    string // a type in place of the status's, or a code in the details
}

func (e *apiError) Error() string { return e.message }

// errorObject is an error in a reply or in the result of a row.
type errorObject struct {
	Type  string `json:"type"`
	Error struct {
		Type    string         `json:"type"`
		Message string         `json:"message"`
		Details map[string]any `json:"details,omitempty"`
	} `json:"error"`
	RequestID string `json:"request_id"`
}

func (e *apiError) object(requestID string) (o errorObject) {
	o.Type, o.RequestID = "error", requestID
	o.Error.Type, o.Error.Message = kindOf(e.status), e.message
	if isKind(e.code) {
		o.Error.Type = e.code
	} else if e.code != "" {
		o.Error.Details = map[string]any{"error_code": e.code}
	}
	return o
}

// WriteError replies with an error in Anthropic's envelope.
func (Protocol) WriteError(w http.ResponseWriter, status int, code, message string) {
	writeError(w, &apiError{status: status, code: code, message: message}, time.Time{})
}

func writeError(w http.ResponseWriter, err error, now time.Time) {
	if r, isRefusal := errors.AsType[*protocol.RefusalError](err); isRefusal {
		setRates(w.Header(), r.Rates, now)
		setRetry(w.Header(), r.RetryAfter)
		err = refused(r)
	}
	e, isAPI := err.(*apiError) //nolint:errorlint // handlers return it bare
	if !isAPI {
		e = &apiError{status: http.StatusInternalServerError, message: err.Error()}
	}
	writeJSON(w, e.status, e.object(w.Header().Get("Request-Id")))
}

func writeJSON(w http.ResponseWriter, status int, reply any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(cmp.Or(status, http.StatusOK))
	_ = json.NewEncoder(w).Encode(reply) // a client that went away needs no reply
}
