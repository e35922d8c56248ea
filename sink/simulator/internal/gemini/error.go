package gemini

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// apiError is an error as the API reports it.
type apiError struct {
	status  int
	word    string // of google.rpc.Code
	message string
	details []any
}

func (e *apiError) Error() string { return e.message }

// invalid is a 400 about a request.
func invalid(format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, word: "INVALID_ARGUMENT", message: fmt.Sprintf(format, args...)}
}

// hidden is what the API says of a file that is not there.
func hidden(id string) *apiError {
	return &apiError{
		status: http.StatusForbidden, word: "PERMISSION_DENIED",
		message: "You do not have permission to access the File " + id + " or it may not exist.",
	}
}

// codes are the values of google.rpc.Code that occur, with their HTTP status.
var codes = []struct {
	code, status int
	word         string
}{
	{1, 499, "CANCELLED"},
	{3, http.StatusBadRequest, "INVALID_ARGUMENT"},
	{4, http.StatusGatewayTimeout, "DEADLINE_EXCEEDED"},
	{5, http.StatusNotFound, "NOT_FOUND"},
	{6, http.StatusConflict, "ALREADY_EXISTS"},
	{7, http.StatusForbidden, "PERMISSION_DENIED"},
	{8, http.StatusTooManyRequests, "RESOURCE_EXHAUSTED"},
	{9, http.StatusBadRequest, "FAILED_PRECONDITION"},
	{12, http.StatusNotImplemented, "UNIMPLEMENTED"},
	{13, http.StatusInternalServerError, "INTERNAL"},
	{14, http.StatusServiceUnavailable, "UNAVAILABLE"},
	{16, http.StatusUnauthorized, "UNAUTHENTICATED"},
}

// codeOf is the code of an HTTP status. A call that gave none has run out of
// time.
func codeOf(status int) int {
	for _, c := range codes {
		if c.status == status {
			return c.code
		}
	}
	switch {
	case status == 0:
		return 4
	case status >= http.StatusInternalServerError:
		return 13
	}
	return 3
}

// codeNamed is the code of a word, that of an invalid argument if it is no word
// of the API.
func codeNamed(word string) int {
	for _, c := range codes {
		if c.word == word {
			return c.code
		}
	}
	return 3
}

func wordOf(code int) string {
	for _, c := range codes {
		if c.code == code {
			return c.word
		}
	}
	return "UNKNOWN"
}

// detail is an entry of the details of an error.
func detail(kind string, members map[string]any) any {
	members["@type"] = "type.googleapis.com/google.rpc." + kind
	return members
}

func errorInfo(reason string) any {
	return detail("ErrorInfo", map[string]any{
		"reason": reason, "domain": "googleapis.com", "metadata": map[string]string{"service": "generativelanguage.googleapis.com"},
	})
}

// quotas are how the API names its limits.
var quotas = map[protocol.Cause]struct{ metric, id string }{
	protocol.RequestsPerMinute: {"generate_content_requests", "GenerateRequestsPerMinutePerProjectPerModel"},
	protocol.TokensPerMinute:   {"generate_content_input_token_count", "GenerateContentInputTokensPerModelPerMinute"},
	protocol.EnqueuedTokens:    {"batch_enqueued_tokens", "BatchEnqueuedTokensPerProjectPerModel"},
	protocol.EnqueuedRows:      {"batch_enqueued_requests", "BatchEnqueuedRequestsPerProject"},
	protocol.OpenBatches:       {"concurrent_batch_jobs", "ConcurrentBatchJobsPerProject"},
}

const overQuota = "You exceeded your current quota, please check your plan and billing details."

// words says that a limit would be exceeded.
func words(r *protocol.RefusalError) string {
	q := quotas[r.Cause]
	return fmt.Sprintf("%s\n* Quota exceeded for metric: generativelanguage.googleapis.com/%s, limit: %d, model: %s",
		overQuota, q.metric, r.Limit, r.Model)
}

// refused is a limit of the account in the words of the API.
func refused(r *protocol.RefusalError) *apiError {
	if r.Cause == protocol.Blocked {
		return &apiError{
			status: http.StatusForbidden, word: "PERMISSION_DENIED",
			message: "This API method requires billing to be enabled. Please enable billing on the project of the key.",
			details: []any{errorInfo(cmp.Or(r.Code, "BILLING_DISABLED"))},
		}
	}
	q := quotas[r.Cause]
	e := &apiError{status: http.StatusTooManyRequests, word: "RESOURCE_EXHAUSTED", message: words(r), details: []any{
		detail("QuotaFailure", map[string]any{"violations": []any{map[string]any{
			"quotaMetric": "generativelanguage.googleapis.com/" + q.metric, "quotaId": q.id, "quotaValue": strconv.FormatInt(r.Limit, 10),
		}}}),
	}}
	if r.RetryAfter > 0 {
		after := fmt.Sprintf("%gs", r.RetryAfter.Seconds())
		e.message += "\nPlease retry in " + after + "."
		e.details = append(e.details, detail("RetryInfo", map[string]any{"retryDelay": after}))
	}
	return e
}

// WriteError replies with an error in the API's envelope. The code is the word
// for it.
func (Protocol) WriteError(w http.ResponseWriter, status int, code, message string) {
	writeError(w, &apiError{status: status, word: cmp.Or(code, wordOf(codeOf(status))), message: message})
}

func writeError(w http.ResponseWriter, err error) {
	if r, isRefusal := errors.AsType[*protocol.RefusalError](err); isRefusal {
		err = refused(r)
	}
	e, isAPI := err.(*apiError) //nolint:errorlint // handlers return it bare
	if !isAPI {
		e = &apiError{status: http.StatusInternalServerError, word: "INTERNAL", message: err.Error()}
	}
	object := map[string]any{"code": e.status, "message": e.message, "status": e.word}
	if e.details != nil {
		object["details"] = e.details
	}
	writeJSON(w, e.status, map[string]any{"error": object})
}

func writeJSON(w http.ResponseWriter, status int, reply any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(reply) // a client that went away needs no reply
}

// authenticate returns the session of the key in the request.
func authenticate(p protocol.Provider, r *http.Request) (protocol.Session, error) {
	key := keyOf(r)
	if key == "" {
		return nil, &apiError{
			status: http.StatusForbidden, word: "PERMISSION_DENIED",
			message: "Method doesn't allow unregistered callers (callers without established identity). " +
				"Please use API Key or other form of API consumer identity to call this API.",
		}
	}
	s, err := p.Session(r, key)
	if errors.Is(err, protocol.ErrUnknownKey) {
		e := invalid("API key not valid. Please pass a valid API key.")
		e.details = []any{errorInfo("API_KEY_INVALID")}
		return nil, e
	}
	return s, err
}

// keyOf is the key that a request comes with, or in the URL of an upload the
// one that began it.
func keyOf(r *http.Request) string {
	query := r.URL.Query()
	key := cmp.Or(r.Header.Get("X-Goog-Api-Key"), query.Get("key"))
	if u, valid := decodeSession(query.Get("upload_id")); key == "" && valid {
		return unseal(u.Key)
	}
	return key
}
