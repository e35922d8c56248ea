package mistral

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/balerhq/baler/internal/errorbody"
	"github.com/balerhq/baler/retry"
)

// ReadError is Mistral's retry.Grammar.
func ReadError(effect retry.Effect, status int, header http.Header, body []byte) error {
	if status/100 == 2 {
		return nil
	}
	b := errorbody.Read(body)
	return retry.Reply{
		Status: status, Header: header,
		Code: named(b.Word()), Message: b.Message, Param: b.Param, RequestID: cmp.Or(header.Get("Mistral-Correlation-Id"), b.RequestID),
		Blocked: status == http.StatusTooManyRequests && mayNothing(header),
	}.Err(effect)
}

// mayNothing reports whether the key may make no request at all in a minute.
// Waiting does not help, but a plan for the workspace does.
func mayNothing(header http.Header) bool { return header.Get("X-Ratelimit-Limit-Req-Minute") == "0" }

// named makes a code that is a bare number one that can be read in a report.
func named(code string) string {
	if code != "" && strings.Trim(code, "0123456789") == "" {
		return "mistral_" + code
	}
	return code
}
