package batchapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// apiError is an error as a caller gets it. Empty members of OpenAI's envelope
// are null.
type apiError struct {
	status               int
	code, param, message string
}

func (e *apiError) Error() string { return e.message }

// invalid is an error that blames a parameter.
func invalid(code, param, format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, code, param, fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) *apiError {
	return &apiError{status: http.StatusNotFound, message: fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) *apiError {
	return &apiError{status: http.StatusConflict, message: fmt.Sprintf(format, args...)}
}

// fail answers with an error. What went wrong here is in the log alone: it may
// name files.
func (s *Server) fail(c *call, err error) {
	said, ok := errors.AsType[*apiError](err)
	if !ok {
		s.log.Error("a call has failed", "method", c.r.Method, "path", c.r.URL.Path, "error", err)
		said = &apiError{status: http.StatusInternalServerError, message: "baler could not do that: see its log"}
	}
	writeError(c.w, c.caller.Protocol, said)
}

func writeError(w http.ResponseWriter, protocol string, e *apiError) {
	if protocol == Anthropic {
		writeJSON(w, e.status, anthropicError(e.status, e.message))
		return
	}
	writeJSON(w, e.status, openaiError(e))
}

func openaiError(e *apiError) any {
	kind := "invalid_request_error"
	if e.status >= http.StatusInternalServerError {
		kind = "server_error"
	}
	return map[string]any{"error": map[string]any{"message": e.message, "type": kind, "param": optional(e.param), "code": optional(e.code)}}
}

// kinds are the types of Anthropic's errors.
var kinds = map[int]string{
	http.StatusUnauthorized:          "authentication_error",
	http.StatusPaymentRequired:       "billing_error",
	http.StatusForbidden:             "permission_error",
	http.StatusNotFound:              "not_found_error",
	http.StatusConflict:              "conflict_error",
	http.StatusRequestEntityTooLarge: "request_too_large",
	http.StatusTooManyRequests:       "rate_limit_error",
	http.StatusGatewayTimeout:        "timeout_error",
	529:                              "overloaded_error",
}

// kindOf is the type of an error of Anthropic's with a status, 0 of a row that
// never ran.
func kindOf(status int) string {
	switch kind := kinds[status]; {
	case kind != "":
		return kind
	case status == 0 || status >= http.StatusInternalServerError:
		return "api_error"
	}
	return "invalid_request_error"
}

func anthropicError(status int, message string) any {
	return map[string]any{"type": "error", "error": map[string]any{"type": kindOf(status), "message": message}, "request_id": nil}
}

func writeJSON(w http.ResponseWriter, status int, reply any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(reply) // a client that went away needs no reply
}

// optional is null if s is empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
