package retry_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/retry"
)

// reply classifies a reply and returns all that was found out about it.
func reply(t *testing.T, effect retry.Effect, status int, header http.Header, body string) retry.Error {
	t.Helper()
	var e *retry.Error
	if err := retry.HTTP(effect, status, header, []byte(body)); !errors.As(err, &e) {
		t.Fatalf("HTTP(%d) = %v, want a *retry.Error", status, err)
	}
	return *e
}

func TestHTTPReadsEveryEnvelope(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   retry.Error
	}{
		"OpenAI": {
			429, `{"error":{"message":"Slow down","type":"requests","param":null,"code":"rate_limit_exceeded"}}`,
			retry.Error{Class: retry.Retryable, Code: "rate_limit_exceeded", Message: "Slow down"},
		},
		"OpenAI without a code": {
			400, `{"error":{"message":"Bad file","type":"invalid_request_error","param":null,"code":null}}`,
			retry.Error{Class: retry.Permanent, Code: "invalid_request_error", Message: "Bad file"},
		},
		"OpenAI quota": {
			429, `{"error":{"message":"Pay","type":"insufficient_quota","code":"insufficient_quota"}}`,
			retry.Error{Class: retry.Blocked, Code: "insufficient_quota", Message: "Pay"},
		},
		"OpenAI enqueued tokens": {
			429, `{"error":{"message":"Enqueued token limit","code":"token_limit_exceeded"}}`,
			retry.Error{Class: retry.Retryable, Code: "token_limit_exceeded", Message: "Enqueued token limit"},
		},
		"Anthropic": {
			529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}`,
			retry.Error{Class: retry.Retryable, Code: "overloaded_error", Message: "Overloaded", RequestID: "req_1"},
		},
		"Anthropic spend limit": {
			429, `{"type":"error","error":{"type":"rate_limit_error","message":"No","details":{"error_code":"enforced_spend_limit_reached"}}}`,
			retry.Error{Class: retry.Blocked, Code: "enforced_spend_limit_reached", Message: "No"},
		},
		"Anthropic spend limit under 400": {
			400, `{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2026-12-01."}}`,
			retry.Error{
				Class: retry.Blocked, Code: "invalid_request_error",
				Message: "You have reached your specified API usage limits. You will regain access on 2026-12-01.",
			},
		},
		"Gemini": {
			429, `{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED","details":[{"@type":"t/QuotaFailure"},{"@type":"t/RetryInfo","retryDelay":"34s"}]}}`,
			retry.Error{Class: retry.Retryable, Code: "RESOURCE_EXHAUSTED", Message: "Quota", RetryAfter: 34 * time.Second},
		},
		"Gemini in a list": {
			503, `[{"error":{"code":503,"message":"Busy","status":"UNAVAILABLE"}}]`,
			retry.Error{Class: retry.Retryable, Code: "UNAVAILABLE", Message: "Busy"},
		},
		"Gemini key": {
			400, `{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}`,
			retry.Error{Class: retry.Blocked, Code: "API_KEY_INVALID", Message: "API key not valid"},
		},
		"Mistral": {
			422, `{"object":"error","message":"Wrong","type":"invalid_request_error","param":null,"code":"3051"}`,
			retry.Error{Class: retry.Permanent, Code: "3051", Message: "Wrong"},
		},
		"Mistral validation": {
			422, `{"detail":[{"loc":["body"],"msg":"field required","type":"missing"}]}`,
			retry.Error{Class: retry.Permanent, Message: `[{"loc":["body"],"msg":"field required","type":"missing"}]`},
		},
		"bare words":   {500, `{"error":"boom"}`, retry.Error{Class: retry.Retryable, Message: "boom"}},
		"a proxy page": {502, `<html>Bad Gateway</html>`, retry.Error{Class: retry.Retryable, Message: "Bad Gateway"}},
		"nothing":      {413, ``, retry.Error{Class: retry.Permanent, Message: "Request Entity Too Large"}},
	} {
		t.Run(name, func(t *testing.T) {
			test.want.Status = test.status
			if diff := cmp.Diff(test.want, reply(t, retry.EffectIdempotent, test.status, nil, test.body)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestHTTPClassDependsOnTheEffect(t *testing.T) {
	for _, test := range []struct {
		status             int
		idempotent, create retry.Class
	}{
		{400, retry.Permanent, retry.Permanent},
		{401, retry.Blocked, retry.Blocked},
		{402, retry.Blocked, retry.Blocked},
		{403, retry.Blocked, retry.Blocked},
		{404, retry.Permanent, retry.Permanent},
		{408, retry.Retryable, retry.Ambiguous},
		{409, retry.Permanent, retry.Ambiguous},
		{422, retry.Permanent, retry.Permanent},
		{425, retry.Retryable, retry.Retryable},
		{429, retry.Retryable, retry.Retryable},
		{500, retry.Retryable, retry.Ambiguous},
		{501, retry.Permanent, retry.Permanent},
		{503, retry.Retryable, retry.Ambiguous},
		{529, retry.Retryable, retry.Ambiguous},
		{302, retry.Permanent, retry.Permanent},
	} {
		if got := reply(t, retry.EffectIdempotent, test.status, nil, "").Class; got != test.idempotent {
			t.Errorf("idempotent %d is %s, want %s", test.status, got, test.idempotent)
		}
		if got := reply(t, retry.EffectCreate, test.status, nil, "").Class; got != test.create {
			t.Errorf("create %d is %s, want %s", test.status, got, test.create)
		}
	}
	if err := retry.HTTP(retry.EffectCreate, 201, nil, nil); err != nil {
		t.Errorf("201 is %v, want no error", err)
	}
}

func TestShouldRetryOverrulesTheStatusButNotTheDoubt(t *testing.T) {
	for _, test := range []struct {
		should string
		effect retry.Effect
		status int
		body   string
		want   retry.Class
	}{
		{"true", retry.EffectIdempotent, 409, "", retry.Retryable},
		{"true", retry.EffectCreate, 500, "", retry.Ambiguous},
		{"true", retry.EffectIdempotent, 429, `{"error":{"code":"insufficient_quota"}}`, retry.Blocked},
		{"false", retry.EffectIdempotent, 503, "", retry.Permanent},
		{"false", retry.EffectIdempotent, 429, "", retry.Blocked},
		{"false", retry.EffectIdempotent, 401, "", retry.Blocked},
		{"maybe", retry.EffectIdempotent, 503, "", retry.Retryable},
	} {
		header := http.Header{"X-Should-Retry": {test.should}}
		if got := reply(t, test.effect, test.status, header, test.body).Class; got != test.want {
			t.Errorf("%+v is %s", test, got)
		}
	}
}

func TestRetryAfterIsReadInEveryForm(t *testing.T) {
	for name, test := range map[string]struct {
		header http.Header
		body   string
		want   time.Duration
	}{
		"milliseconds first": {header: http.Header{"Retry-After-Ms": {"1500.5"}, "Retry-After": {"9"}}, want: 1500500 * time.Microsecond},
		"seconds":            {header: http.Header{"Retry-After": {"20"}}, want: 20 * time.Second},
		"fraction":           {header: http.Header{"Retry-After": {"0.25"}}, want: 250 * time.Millisecond},
		"date, by the server's clock": {header: http.Header{
			"Retry-After": {"Sat, 21 Nov 2009 10:00:30 GMT"}, "Date": {"Sat, 21 Nov 2009 10:00:00 GMT"},
		}, want: 30 * time.Second},
		"date gone by":   {header: http.Header{"Retry-After": {"Sat, 21 Nov 2009 10:00:30 GMT"}}},
		"negative":       {header: http.Header{"Retry-After": {"-5"}}},
		"not a number":   {header: http.Header{"Retry-After": {"NaN"}}},
		"rubbish":        {header: http.Header{"Retry-After": {"soon"}}},
		"for ever":       {header: http.Header{"Retry-After": {"1e300"}}, want: time.Hour},
		"infinite":       {header: http.Header{"Retry-After-Ms": {"Inf"}}, want: time.Hour},
		"Gemini's body":  {body: `{"error":{"details":[{"retryDelay":"3.5s"}]}}`, want: 3500 * time.Millisecond},
		"header beats":   {header: http.Header{"Retry-After": {"1"}}, body: `{"error":{"details":[{"retryDelay":"3s"}]}}`, want: time.Second},
		"body too long":  {body: `{"error":{"details":[{"retryDelay":"99999s"}]}}`, want: time.Hour},
		"used-up limits": {header: http.Header{"X-Ratelimit-Remaining-Requests": {"0"}, "X-Ratelimit-Reset-Requests": {"20ms"}, "X-Ratelimit-Remaining-Tokens": {"0"}, "X-Ratelimit-Reset-Tokens": {"6m0s"}}, want: 6 * time.Minute},
		"others do not count": {header: http.Header{
			"X-Ratelimit-Remaining-Requests": {"0"}, "X-Ratelimit-Reset-Requests": {"1s"},
			"X-Ratelimit-Remaining-Tokens": {"149984"}, "X-Ratelimit-Reset-Tokens": {"6m0s"},
		}, want: time.Second},
	} {
		if got := reply(t, retry.EffectIdempotent, 429, test.header, test.body).RetryAfter; got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestErrorMessagesAreBounded(t *testing.T) {
	e := reply(t, retry.EffectIdempotent, 400, nil, `{"error":{"message":"`+strings.Repeat("é", 1<<20)+`"}}`)
	if len(e.Message) > 4<<10 {
		t.Errorf("message of %d bytes", len(e.Message))
	}
}

func FuzzHTTP(f *testing.F) {
	f.Add(429, "20", `{"error":{"message":"m","type":"t","code":"c"}}`)
	f.Add(503, "Sat, 21 Nov 2009 10:00:30 GMT", `[{"error":{"code":503,"details":[{"retryDelay":"1s"}]}}]`)
	f.Add(400, "", `{"detail":[{"msg":"x"}]}`)
	f.Add(500, "1e9", `{"error":"\ud800"}`)
	f.Fuzz(func(t *testing.T, status int, after, body string) {
		header := http.Header{"Retry-After": {after}}
		for _, effect := range []retry.Effect{retry.EffectIdempotent, retry.EffectCreate} {
			err := retry.HTTP(effect, status, header, []byte(body))
			if (err == nil) != (status/100 == 2) {
				t.Fatalf("status %d: %v", status, err)
			}
			if class := retry.ClassOf(err); effect == retry.EffectIdempotent && class == retry.Ambiguous {
				t.Fatalf("an idempotent call is %s", class)
			}
			if d := retry.After(err); d < 0 || d > retry.MaxRetryAfter {
				t.Fatalf("wait of %s", d)
			}
			if err != nil && len(err.Error()) > 64<<10 {
				t.Fatalf("error of %d bytes", len(err.Error()))
			}
		}
	})
}
