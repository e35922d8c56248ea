package gemini

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/balerhq/baler/internal/errorbody"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
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
	if blocks([]byte(b.Details)) {
		r.Code, r.Blocked = refusedKey, true
	}
	r.Blocked = r.Blocked || status == http.StatusBadRequest && needsPerson(b.Status, b.Message)
	return r.Err(effect)
}

// blocks reports whether the details of an error say that the key is refused.
func blocks(details []byte) bool {
	b := errorbody.Body{Details: json.RawMessage(details)}
	for _, d := range b.TypedDetails() {
		if d.Reason == refusedKey {
			return true
		}
	}
	return false
}

// needsPerson reports whether a failed precondition is one of the account: it
// is where the API is not offered, or has no means to pay.
func needsPerson(status, message string) bool {
	return status == "FAILED_PRECONDITION" &&
		(strings.Contains(message, "location is not supported") || strings.Contains(message, "billing"))
}

// quota is how the API names a limit that was exceeded.
var quota = regexp.MustCompile(`metric: (\S+?), limit: ([0-9]+)`)

// aboutBatches reports whether words say that the batches of the account are
// what there is too much of. The API often says no more than that a quota is
// exceeded; of a limit for a minute it names the metric.
func aboutBatches(message string) bool {
	words := strings.ToLower(message)
	has := func(word string) bool { return strings.Contains(words, word) }
	return has("enqueued") || has("concurrent") || has("batch") && has("token") || has("current quota") && !quota.MatchString(message)
}

// full is why a batch has to wait for others, and how much there is room for.
func full(message string) error {
	for _, found := range quota.FindAllStringSubmatch(message, -1) {
		if !strings.Contains(found[1], "token") {
			continue
		}
		if n, err := strconv.ParseInt(found[2], 10, 64); err == nil && n > 0 {
			return &sink.FullError{Tokens: n}
		}
	}
	return sink.ErrFull
}
