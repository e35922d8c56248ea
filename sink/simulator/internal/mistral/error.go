package mistral

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// apiError is an error as Mistral's API reports it.
type apiError struct {
	status  int
	Object  string  `json:"object"`
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

func (e *apiError) Error() string { return e.Message }

// failure returns an error of the kinds that have a number.
func failure(status int, code, kind, format string, args ...any) *apiError {
	e := &apiError{status: status, Object: "error", Type: kind, Message: fmt.Sprintf(format, args...)}
	if code != "" {
		e.Code = &code
	}
	return e
}

func notFound(format string, args ...any) *apiError {
	return failure(http.StatusNotFound, "", "not_found", format, args...)
}

// violations are what is wrong with the members of a request.
type violations []violation

// violation is one of them, as a server made with FastAPI names it.
type violation struct {
	Type  string `json:"type"`
	Loc   []any  `json:"loc"`
	Msg   string `json:"msg"`
	Input any    `json:"input"`
}

func (v violations) Error() string { return fmt.Sprintf("%v", []violation(v)) }

// wrong is a request with a single violation. The input is quoted, as Mistral
// does.
func wrong(kind, msg string, input any, loc ...any) violations {
	return violations{{Type: kind, Loc: loc, Msg: msg, Input: input}}
}

var errUnauthorized = errors.New("Unauthorized")

// WriteError replies with an error in Mistral's envelope.
func (Protocol) WriteError(w http.ResponseWriter, status int, code, message string) {
	kind, number := kindOf(status)
	if code != "" {
		number = code
	}
	writeError(w, failure(status, number, kind, "%s", message))
}

// kindOf returns the type and the code of an error that has none.
func kindOf(status int) (kind, code string) {
	switch {
	case status == http.StatusTooManyRequests:
		return "rate_limited", "1300"
	case status >= http.StatusInternalServerError:
		return "internal_server_error", "3000"
	case status == http.StatusNotFound:
		return "not_found", ""
	}
	return "invalid_request_error", "3051"
}

func writeError(w http.ResponseWriter, err error) {
	if r, isRefusal := errors.AsType[*protocol.RefusalError](err); isRefusal {
		setRates(w.Header(), r.Rates)
		err = refused(w.Header(), r)
	}
	switch e := err.(type) { //nolint:errorlint // handlers return them bare
	case *apiError:
		writeJSON(w, e.status, e)
	case violations:
		writeJSON(w, http.StatusUnprocessableEntity, map[string]any{"detail": e})
	default:
		if errors.Is(err, errUnauthorized) {
			writeJSON(w, http.StatusUnauthorized, map[string]any{"detail": err.Error()})
			return
		}
		writeJSON(w, http.StatusInternalServerError, failure(0, "3000", "internal_server_error", "%v", err))
	}
}

func writeJSON(w http.ResponseWriter, status int, reply any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(reply) // a client that went away needs no reply
}

// refused is a limit of the account in Mistral's words. An account that may
// nothing has a limit of none.
func refused(h http.Header, r *protocol.RefusalError) error {
	if r.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(r.RetryAfter.Seconds()))))
	}
	switch r.Cause {
	case protocol.Blocked:
		h.Set("X-Ratelimit-Limit-Req-Minute", "0")
		h.Set("X-Ratelimit-Remaining-Req-Minute", "0")
		code := r.Code
		if code == "" {
			code = "1300"
		}
		return failure(http.StatusTooManyRequests, code, "rate_limited", "Rate limit exceeded")
	case protocol.RequestsPerMinute, protocol.TokensPerMinute:
		return failure(http.StatusTooManyRequests, "1300", "rate_limited", "Rate limit exceeded")
	case protocol.EnqueuedRows:
		return failure(http.StatusTooManyRequests, "", "too_many_requests", "%s", pendingLimit(r))
	case protocol.EnqueuedTokens, protocol.OpenBatches: // which Mistral has no limits of
	}
	return failure(http.StatusTooManyRequests, "", "too_many_requests", "Limit of %s exceeded: at most %d per workspace", r.Cause, r.Limit)
}

func pendingLimit(r *protocol.RefusalError) string {
	return fmt.Sprintf("Maximum number of pending requests exceeded: at most %d per workspace", r.Limit)
}

// setRates sets the headers that say where the account stands.
func setRates(h http.Header, rates protocol.Rates) {
	for name, rate := range map[string]protocol.Rate{"Req": rates.Requests, "Tokens": rates.Tokens} {
		if rate.Limit > 0 {
			h.Set("X-Ratelimit-Limit-"+name+"-Minute", strconv.FormatInt(rate.Limit, 10))
			h.Set("X-Ratelimit-Remaining-"+name+"-Minute", strconv.FormatInt(rate.Remaining, 10))
		}
	}
}

// unix returns t as the API writes it: in whole seconds, or null.
func unix(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	seconds := t.Unix()
	return &seconds
}

// optional returns s, or null if it is empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
