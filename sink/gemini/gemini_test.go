package gemini_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/gemini"
)

func TestWhatAnErrorReplySays(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		header http.Header
		body   string
		want   retry.Error
	}{
		"a quota": {
			429, nil, `{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED","details":[{"@type":"t/QuotaFailure"},{"@type":"t/RetryInfo","retryDelay":"34s"}]}}`,
			retry.Error{Class: retry.Retryable, Code: "RESOURCE_EXHAUSTED", Message: "Quota", RetryAfter: 34 * time.Second},
		},
		"a quota under a Retry-After": {
			429,
			http.Header{"Retry-After": {"1"}},
			`{"error":{"status":"RESOURCE_EXHAUSTED","message":"Quota","details":[{"retryDelay":"34s"}]}}`,
			retry.Error{Class: retry.Retryable, Code: "RESOURCE_EXHAUSTED", Message: "Quota", RetryAfter: time.Second},
		},
		"in a list": {
			503, nil, `[{"error":{"code":503,"message":"Busy","status":"UNAVAILABLE"}}]`,
			retry.Error{Class: retry.Retryable, Code: "UNAVAILABLE", Message: "Busy"},
		},
		"the key": {
			400, nil, `{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT","details":[{"@type":"t/ErrorInfo","reason":"API_KEY_INVALID"}]}}`,
			retry.Error{Class: retry.Blocked, Code: "API_KEY_INVALID", Message: "API key not valid"},
		},
		"a request at fault": {
			400, nil, `{"error":{"code":400,"message":"No such field","status":"INVALID_ARGUMENT","details":[{"reason":"FIELD"}]}}`,
			retry.Error{Class: retry.Permanent, Code: "INVALID_ARGUMENT", Message: "No such field"},
		},
		"a batch that is gone": {
			404, nil, `{"error":{"code":404,"message":"no such batch","status":"NOT_FOUND"}}`,
			retry.Error{Class: retry.Permanent, Code: "NOT_FOUND", Message: "no such batch"},
		},
	} {
		test.want.Status = test.status
		e, _ := errors.AsType[*retry.Error](gemini.ReadError(retry.EffectIdempotent, test.status, test.header, []byte(test.body)))
		if diff := cmp.Diff(test.want, *e); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}
