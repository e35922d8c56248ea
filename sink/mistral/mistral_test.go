package mistral_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/mistral"
)

func TestWhatAnErrorReplySays(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		header http.Header
		body   string
		want   retry.Error
	}{
		"a request at fault": {
			422, nil, `{"object":"error","message":"Wrong","type":"invalid_request_error","param":null,"code":"3051"}`,
			retry.Error{Class: retry.Permanent, Code: "mistral_3051", Message: "Wrong"},
		},
		"a validation": {
			422, nil, `{"detail":[{"loc":["body","endpoint"],"msg":"field required","type":"missing","input":{"a":"payload"}}]}`,
			retry.Error{Class: retry.Permanent, Code: "missing", Message: "body.endpoint: field required", Param: "body.endpoint"},
		},
		"a rate limit": {
			429,
			http.Header{"Mistral-Correlation-Id": {"019"}, "X-Ratelimit-Limit-Req-Minute": {"60"}, "X-Ratelimit-Remaining-Req-Minute": {"0"}},
			`{"object":"error","message":"Rate limit exceeded","type":"rate_limited","code":"1300"}`,
			retry.Error{Class: retry.Retryable, Code: "mistral_1300", Message: "Rate limit exceeded", RequestID: "019"},
		},
		"a key that may do nothing": {
			429,
			http.Header{"X-Ratelimit-Limit-Req-Minute": {"0"}, "X-Ratelimit-Remaining-Req-Minute": {"0"}},
			`{"object":"error","message":"Rate limit exceeded","type":"rate_limited","code":"1300"}`,
			retry.Error{Class: retry.Blocked, Code: "mistral_1300", Message: "Rate limit exceeded"},
		},
		"a server in trouble": {
			503,
			http.Header{"X-Ratelimit-Limit-Req-Minute": {"0"}},
			`{"message":"Service unavailable."}`,
			retry.Error{Class: retry.Retryable, Message: "Service unavailable."},
		},
	} {
		test.want.Status = test.status
		e, _ := errors.AsType[*retry.Error](mistral.ReadError(retry.EffectIdempotent, test.status, test.header, []byte(test.body)))
		if diff := cmp.Diff(test.want, *e); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

func TestRemainingIsRead(t *testing.T) {
	h := http.Header{"X-Ratelimit-Remaining-Req-Minute": {"59"}, "X-Ratelimit-Remaining-Tokens-Minute": {"47196"}, "X-Ratelimit-Remaining-Tokens-Month": {"1"}}
	if diff := cmp.Diff(ratelimit.Remaining{Requests: new(59), InputTokens: new(47196)}, mistral.ReadRemaining(h)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
