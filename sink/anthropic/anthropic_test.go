package anthropic_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/anthropic"
)

func TestWhatAnErrorReplySays(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   retry.Error
	}{
		"overloaded": {
			529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}`,
			retry.Error{Class: retry.Retryable, Code: "overloaded_error", Message: "Overloaded", RequestID: "req_1"},
		},
		"a rate limit": {
			429, `{"type":"error","error":{"type":"rate_limit_error","message":"Slow","details":null}}`,
			retry.Error{Class: retry.Retryable, Code: "rate_limit_error", Message: "Slow"},
		},
		"a request at fault": {
			400, `{"type":"error","error":{"type":"invalid_request_error","message":"requests.0.custom_id: too long"}}`,
			retry.Error{Class: retry.Permanent, Code: "invalid_request_error", Message: "requests.0.custom_id: too long"},
		},
		"a spend limit": {
			429, `{"type":"error","error":{"type":"rate_limit_error","message":"No","details":{"error_code":"enforced_spend_limit_reached"}}}`,
			retry.Error{Class: retry.Blocked, Code: "enforced_spend_limit_reached", Message: "No"},
		},
		"a spend limit of one's own": {
			400, `{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2026-12-01."}}`,
			retry.Error{
				Class: retry.Blocked, Code: "invalid_request_error",
				Message: "You have reached your specified API usage limits. You will regain access on 2026-12-01.",
			},
		},
		"no credit": {
			400, `{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}`,
			retry.Error{Class: retry.Blocked, Code: "invalid_request_error", Message: "Your credit balance is too low to access the API."},
		},
		"another code beside a bill": {
			400, `{"type":"error","error":{"type":"billing_error","message":"No","details":{"error_code":"odd"}}}`,
			retry.Error{Class: retry.Blocked, Code: "odd", Message: "No"},
		},
		"a page of the network in between": {413, `<html>`, retry.Error{Class: retry.Permanent, Message: "Request Entity Too Large"}},
	} {
		test.want.Status = test.status
		e, _ := errors.AsType[*retry.Error](anthropic.ReadError(retry.EffectIdempotent, test.status, nil, []byte(test.body)))
		if diff := cmp.Diff(test.want, *e); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

// The codes that need a person block wherever they stand, and say of a creation
// that it did not happen.
func TestCodesThatNeedAPersonBlock(t *testing.T) {
	for _, code := range []string{
		"billing_error", "enforced_spend_limit_reached", "contract_spend_limit_reached", "organization_on_hold",
		"cmek_key_disabled", "claude_code_key_creator_not_member", "workspace_human_review_disabled",
	} {
		for _, body := range []string{
			`{"type":"error","error":{"type":"` + code + `","message":"m"}}`,
			`{"type":"error","error":{"type":"invalid_request_error","message":"m","details":{"error_code":"` + code + `"}}}`,
		} {
			err := anthropic.ReadError(retry.EffectCreate, http.StatusBadRequest, nil, []byte(body))
			if e, _ := errors.AsType[*retry.Error](err); e.Class != retry.Blocked || e.Code != code {
				t.Errorf("%s: %v", body, err)
			}
		}
	}
}

func TestHeadersAreRead(t *testing.T) {
	h := http.Header{
		"Request-Id": {"req_2"}, "Retry-After": {"7"},
		"Anthropic-Ratelimit-Requests-Remaining":      {"9"},
		"Anthropic-Ratelimit-Input-Tokens-Remaining":  {"999"},
		"Anthropic-Ratelimit-Output-Tokens-Remaining": {"5"},
		"X-Ratelimit-Remaining-Requests":              {"1"},
	}
	want := ratelimit.Remaining{Requests: new(9), InputTokens: new(999), OutputTokens: new(5)}
	if diff := cmp.Diff(want, anthropic.ReadRemaining(h)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	e, _ := errors.AsType[*retry.Error](anthropic.ReadError(retry.EffectCreate, 429, h, nil))
	if e.RequestID != "req_2" || e.RetryAfter != 7*time.Second {
		t.Errorf("%+v", e)
	}
}
