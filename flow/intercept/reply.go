package intercept

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/intercept/internal/replay"
	"github.com/balerhq/baler/retry"
)

// answerOf returns the answer of a row as its provider would have given it, and
// the class of its failure. An answer that Baler holds for no full one, such as
// one that was cut off, is an answer: its caller decides.
func answerOf(provider string, r *durable.Result) (Answer, retry.Class) {
	a := Answer{Status: cmp.Or(r.HTTPStatus, http.StatusOK), Body: r.Response, Batch: r.Batch, Model: r.Model}
	if len(r.Response) > 0 && (r.Error == nil || r.HTTPStatus/100 == 2) {
		a.Status = http.StatusOK
		return a, 0
	}
	if r.Error == nil {
		a.Body = []byte("{}")
		return a, 0
	}
	if r.HTTPStatus < 400 || !json.Valid(r.Response) {
		a.Status = statusOf(r.Error.Class, r.Error.Code)
		a.Body = errorBody(provider, a.Status, r.Error.Code, r.Error.Message)
	}
	return a, r.Error.Class
}

// statuses are those of codes that tell more than their class.
var statuses = map[string]int{
	"batch_expired": http.StatusGatewayTimeout, "expired": http.StatusGatewayTimeout,
	"request_too_large": http.StatusRequestEntityTooLarge,
	"invalid_api_key":   http.StatusUnauthorized, "authentication_error": http.StatusUnauthorized,
	"insufficient_quota": http.StatusTooManyRequests, "billing_error": http.StatusPaymentRequired,
	"rate_limit_exceeded": http.StatusTooManyRequests, "rate_limit_error": http.StatusTooManyRequests,
	"permission_error": http.StatusForbidden, "not_found_error": http.StatusNotFound,
	"overloaded_error": http.StatusServiceUnavailable, "api_error": http.StatusInternalServerError,
}

// statusOf returns the HTTP status of a failure that has none of its own.
func statusOf(class retry.Class, code string) int {
	if status, known := statuses[code]; known {
		return status
	}
	switch class {
	case retry.Permanent:
		return http.StatusBadRequest
	case retry.Blocked:
		return http.StatusForbidden
	case retry.Retryable, retry.Ambiguous:
	}
	return http.StatusServiceUnavailable
}

// errorBody returns an error as SDKs of the provider read it.
func errorBody(provider string, status int, code, message string) []byte {
	var body any
	switch provider {
	case "anthropic":
		body = map[string]any{"type": "error", "error": map[string]any{"type": anthropicType(status), "message": message}}
	case "gemini":
		body = map[string]any{"error": map[string]any{"code": status, "message": message, "status": googleStatus(status)}}
	case "mistral":
		body = map[string]any{"object": "error", "message": message, "type": code, "param": nil, "code": strconv.Itoa(status)}
	default:
		body = map[string]any{"error": map[string]any{"message": message, "type": openaiType(status), "param": nil, "code": code}}
	}
	b, _ := json.Marshal(body) // of texts and numbers
	return b
}

func anthropicType(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusPaymentRequired:
		return "billing_error"
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	case http.StatusGatewayTimeout:
		return "timeout_error"
	}
	if status < http.StatusInternalServerError {
		return "invalid_request_error"
	}
	return "api_error"
}

func googleStatus(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusTooManyRequests:
		return "RESOURCE_EXHAUSTED"
	case http.StatusGatewayTimeout:
		return "DEADLINE_EXCEEDED"
	case http.StatusServiceUnavailable:
		return "UNAVAILABLE"
	}
	if status < http.StatusInternalServerError {
		return "INVALID_ARGUMENT"
	}
	return "INTERNAL"
}

func openaiType(status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return "requests"
	case status < http.StatusInternalServerError:
		return "invalid_request_error"
	}
	return "server_error"
}

// manner is how a call is answered.
type manner struct {
	provider string
	form     form
	usage    bool // a stream of chat completions ends with the usage
}

// shape puts an answer into the form that the call wants, and returns its
// content type. One that cannot be streamed becomes an error: readers of events
// would take it for an empty answer.
func (m *manner) shape(a *Answer) (contentType string) {
	if m.form == formBody || a.Status != http.StatusOK {
		return replay.JSON
	}
	events, kind, err := replay.Stream(string(m.form), a.Body, m.usage)
	if err != nil {
		a.Status = http.StatusBadGateway
		a.Body = errorBody(m.provider, a.Status, "baler_stream", "the answer cannot be streamed: make the same call without stream to get it at once")
		return replay.JSON
	}
	a.Body = events
	return kind
}

// header returns the headers of an answer as SDKs expect them. An error that is
// settled is the same however often it is asked for.
func (a *Answer) header(provider string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	if a.Batch != "" {
		h.Set(headerPrefix+"Batch", a.Batch)
	}
	if a.Hit {
		h.Set(headerPrefix+"Hit", "true")
	}
	if a.Status >= http.StatusBadRequest {
		h.Set("X-Should-Retry", strconv.FormatBool(a.again))
	}
	if provider == "anthropic" {
		h.Set("Request-Id", "baler_"+a.Batch)
	} else {
		h.Set("X-Request-Id", "baler_"+a.Batch)
	}
	return h
}
