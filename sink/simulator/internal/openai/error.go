package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// apiError is an error as OpenAI's API reports it.
type apiError struct {
	status  int
	Message string
	Type    string
	Param   string // empty: null
	Code    string // empty: null
}

func (e *apiError) Error() string { return e.Message }

// invalid returns a 400 that blames a parameter.
func invalid(code, param, format string, args ...any) *apiError {
	return &apiError{
		status: http.StatusBadRequest, Type: "invalid_request_error",
		Code: code, Param: param, Message: fmt.Sprintf(format, args...),
	}
}

func (e *apiError) envelope() any {
	return map[string]any{"error": map[string]any{
		"message": e.Message, "type": e.Type, "param": optional(e.Param), "code": optional(e.Code),
	}}
}

// WriteError replies with an error in OpenAI's envelope.
func (Protocol) WriteError(w http.ResponseWriter, status int, code, message string) {
	e := &apiError{status: status, Type: "server_error", Code: code, Message: message}
	if status == http.StatusTooManyRequests {
		e.Type = "requests"
		if e.Code == "" {
			e.Code = "rate_limit_exceeded"
		}
	}
	writeError(w, e)
}

func writeError(w http.ResponseWriter, err error) {
	if r, isRefusal := errors.AsType[*protocol.RefusalError](err); isRefusal {
		setRates(w.Header(), r.Rates)
		setRetry(w.Header(), r.RetryAfter)
		err = refused(r)
	}
	e, isAPI := err.(*apiError) //nolint:errorlint // handlers return it bare
	if !isAPI {
		e = &apiError{status: http.StatusInternalServerError, Type: "server_error", Message: err.Error()}
	}
	writeJSON(w, e.status, e.envelope())
}

func writeJSON(w http.ResponseWriter, status int, reply any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(reply) // a client that went away needs no reply
}
