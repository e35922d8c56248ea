// Package gemini has the codec of the Gemini API's generateContent, and knows
// how the API reports errors. A client of its batches is not there yet. The API
// sends no headers about its limits.
//
// The protocol is described at https://ai.google.dev/gemini-api/docs and
// https://google.aip.dev/193, as of November 2026.
package gemini

import (
	"net/http"

	"github.com/balerhq/baler/internal/errorbody"
	"github.com/balerhq/baler/retry"
)

// refusedKey is the reason of a 400 that is not about the request but about the
// key.
const refusedKey = "API_KEY_INVALID"

// ReadError is Gemini's retry.Grammar. The delay stands in the body.
func ReadError(effect retry.Effect, status int, header http.Header, body []byte) error {
	if status/100 == 2 {
		return nil
	}
	b := errorbody.Read(body)
	r := retry.Reply{
		Status: status, Header: header,
		Code: b.Word(), Message: b.Message, Param: b.Param, RequestID: b.RequestID, RetryAfter: b.RetryDelay(),
	}
	for _, d := range b.TypedDetails() {
		if d.Reason == refusedKey {
			r.Code, r.Blocked = refusedKey, true
		}
	}
	return r.Err(effect)
}
