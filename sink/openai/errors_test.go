package openai_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/openai"
)

func TestWhatAnErrorReplySays(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   retry.Error
	}{
		"a rate limit": {
			429, `{"error":{"message":"Slow down","type":"requests","param":null,"code":"rate_limit_exceeded"}}`,
			retry.Error{Class: retry.Retryable, Code: "rate_limit_exceeded", Message: "Slow down"},
		},
		"no code": {
			400, `{"error":{"message":"Bad file","type":"invalid_request_error","param":null,"code":null}}`,
			retry.Error{Class: retry.Permanent, Code: "invalid_request_error", Message: "Bad file"},
		},
		"a parameter": {
			400, `{"error":{"message":"No","param":"endpoint","code":"invalid_value"}}`,
			retry.Error{Class: retry.Permanent, Code: "invalid_value", Message: "No", Param: "endpoint"},
		},
		"quota": {
			429, `{"error":{"message":"Pay","type":"insufficient_quota","code":"insufficient_quota"}}`,
			retry.Error{Class: retry.Blocked, Code: "insufficient_quota", Message: "Pay"},
		},
		"quota in the type": {
			400, `{"error":{"message":"Pay","type":"billing_not_active","code":null}}`,
			retry.Error{Class: retry.Blocked, Code: "billing_not_active", Message: "Pay"},
		},
		"enqueued tokens": {
			429, `{"error":{"message":"Enqueued token limit","code":"token_limit_exceeded"}}`,
			retry.Error{Class: retry.Retryable, Code: "token_limit_exceeded", Message: "Enqueued token limit"},
		},
		"flat": {
			422, `{"object":"error","message":"Wrong","type":"invalid_request_error","param":null,"code":400}`,
			retry.Error{Class: retry.Permanent, Code: "invalid_request_error", Message: "Wrong"},
		},
		"a validation detail": {
			422, `{"detail":[{"msg":"field required"}]}`,
			retry.Error{Class: retry.Permanent, Message: "field required"},
		},
		"a server over gRPC": {
			429, `[{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"34s"}]}}]`,
			retry.Error{Class: retry.Retryable, Code: "RESOURCE_EXHAUSTED", Message: "Quota", RetryAfter: 34 * time.Second},
		},
		"a gateway, of a key": {
			400, `{"error":{"code":400,"message":"No","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}`,
			retry.Error{Class: retry.Blocked, Code: "API_KEY_INVALID", Message: "No"},
		},
		"a gateway, of a bill": {
			400, `{"error":{"message":"No","type":"billing_error"}}`,
			retry.Error{Class: retry.Blocked, Code: "billing_error", Message: "No"},
		},
	} {
		test.want.Status = test.status
		e, _ := errors.AsType[*retry.Error](openai.ReadError(retry.EffectIdempotent, test.status, nil, []byte(test.body)))
		if diff := cmp.Diff(test.want, *e); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
	header := http.Header{"X-Should-Retry": {"true"}}
	if err := openai.ReadError(retry.EffectIdempotent, 429, header, []byte(`{"error":{"code":"insufficient_quota"}}`)); retry.ClassOf(err) != retry.Blocked {
		t.Errorf("an empty account under X-Should-Retry: %v", err)
	}
	if err := openai.ReadError(retry.EffectCreate, 201, nil, nil); err != nil {
		t.Errorf("201 is %v", err)
	}
}

// A 429 without a Retry-After says how long to wait with the limits that are
// used up.
func TestLimitsThatAreUsedUpSayHowLongToWait(t *testing.T) {
	both := http.Header{
		"X-Ratelimit-Remaining-Requests": {"0"}, "X-Ratelimit-Reset-Requests": {"20ms"},
		"X-Ratelimit-Remaining-Tokens": {"0"}, "X-Ratelimit-Reset-Tokens": {"6m0s"},
	}
	one := both.Clone()
	one.Set("X-Ratelimit-Remaining-Tokens", "149984")
	told := both.Clone()
	told.Set("Retry-After", "1")
	for name, test := range map[string]struct {
		status int
		header http.Header
		body   string
		want   time.Duration
	}{
		"both":                {429, both, "", 6 * time.Minute},
		"the requests":        {429, one, "", 20 * time.Millisecond},
		"a header beats them": {429, told, "", time.Second},
		"the body beats them": {429, both, `{"error":{"details":[{"retryDelay":"3s"}]}}`, 3 * time.Second},
		"another status":      {503, both, "", 0},
	} {
		if got := retry.After(openai.ReadError(retry.EffectIdempotent, test.status, test.header, []byte(test.body))); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
