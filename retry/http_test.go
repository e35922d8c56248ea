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

func TestHTTPReadsTheWordsOfAReply(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   retry.Error
	}{
		"nested": {
			429, `{"error":{"message":"Slow down","type":"requests","param":null,"code":"busy"}}`,
			retry.Error{Class: retry.Retryable, Code: "busy", Message: "Slow down"},
		},
		"without a code": {
			400, `{"error":{"message":"Bad file","type":"invalid","param":"file","code":null}}`,
			retry.Error{Class: retry.Permanent, Code: "invalid", Message: "Bad file", Param: "file"},
		},
		"flat":         {422, `{"message":"Wrong","code":"3051","request_id":"r1"}`, retry.Error{Class: retry.Permanent, Code: "3051", Message: "Wrong", RequestID: "r1"}},
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

// What a code means is for the provider's grammar to say.
func TestHTTPKnowsNoCode(t *testing.T) {
	for _, code := range []string{"insufficient_quota", "billing_error", "enforced_spend_limit_reached", "API_KEY_INVALID"} {
		if got := reply(t, retry.EffectIdempotent, 429, nil, `{"error":{"code":"`+code+`"}}`).Class; got != retry.Retryable {
			t.Errorf("%s is %s", code, got)
		}
	}
}

// A grammar says what needs a person, and how long to wait if the header does
// not say it.
func TestReplyTakesTheWordOfItsGrammar(t *testing.T) {
	r := retry.Reply{Status: 429, Code: "unpaid", Blocked: true, RetryAfter: 2 * time.Hour, RequestID: "from the body"}
	want := retry.Error{Class: retry.Blocked, Status: 429, Code: "unpaid", Message: "Too Many Requests", RequestID: "from the body", RetryAfter: time.Hour}
	e, _ := errors.AsType[*retry.Error](r.Err(retry.EffectCreate))
	if diff := cmp.Diff(want, *e); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	r.Header = http.Header{"Retry-After": {"0"}, "X-Request-Id": {"r1"}, "X-Should-Retry": {"true"}}
	want.RequestID, want.RetryAfter = "r1", 0
	e, _ = errors.AsType[*retry.Error](r.Err(retry.EffectCreate))
	if diff := cmp.Diff(want, *e); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if err := (retry.Reply{Status: 204, Blocked: true}).Err(retry.EffectCreate); err != nil {
		t.Errorf("204 is %v", err)
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
		"a typed detail": {body: `{"error":{"details":[{"retryDelay":"3.5s"}]}}`, want: 3500 * time.Millisecond},
		"header beats":   {header: http.Header{"Retry-After": {"1"}}, body: `{"error":{"details":[{"retryDelay":"3s"}]}}`, want: time.Second},
		"body too long":  {body: `{"error":{"details":[{"retryDelay":"99999s"}]}}`, want: time.Hour},
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
