package httpclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
)

func TestClassesOfACreate(t *testing.T) {
	for name, test := range map[string]struct {
		handle http.HandlerFunc
		want   retry.Class
	}{
		"turned away":      {reply(429, `{"error":{"code":"rate_limit_exceeded"}}`), retry.Retryable},
		"no quota":         {reply(429, `{"error":{"code":"insufficient_quota"}}`), retry.Blocked},
		"malformed":        {reply(400, `{}`), retry.Permanent},
		"wrong key":        {reply(401, `{}`), retry.Blocked},
		"server error":     {reply(500, `{}`), retry.Ambiguous},
		"html of a proxy":  {reply(502, `<html>`), retry.Ambiguous},
		"request timeout":  {reply(408, ``), retry.Ambiguous},
		"reset":            {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, retry.Ambiguous},
		"reply not JSON":   {reply(200, `<html>`), retry.Ambiguous},
		"reply cut off":    {truncated(`{"id":"batch`), retry.Ambiguous},
		"empty reply":      {reply(200, ``), retry.Ambiguous},
		"reply too large":  {encoded("gzip", zipped(t, make([]byte, 4<<20))), retry.Ambiguous},
		"unknown encoding": {encoded("br", []byte("x")), retry.Ambiguous},
		"fine":             {reply(200, `{"id":"batch_1"}`), 0},
	} {
		c := serve(t, test.handle)
		err := c.Do(t.Context(), Call{Method: "POST", Path: "/batches", Effect: retry.EffectCreate, JSON: 1}, new(any))
		if got := retry.ClassOf(err); got != test.want {
			t.Errorf("%s is %s, want %s: %v", name, got, test.want, err)
		}
	}
}

// truncated promises a longer body than it sends.
func truncated(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, body)
	}
}

func TestCreateThatWasNotSentIsRetryable(t *testing.T) {
	c, err := newClient("http://127.0.0.1:1", bearer, Evenly(50), nil) // nobody listens
	if err != nil {
		t.Fatal(err)
	}
	create := Call{Method: "POST", Path: "/batches", Effect: retry.EffectCreate, JSON: 1}
	if err := c.Do(t.Context(), create, nil); retry.ClassOf(err) != retry.Retryable {
		t.Error(err)
	}
}

func TestCancelledCreateIsAmbiguousOnceItWasSent(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	release := make(chan struct{})
	c := serve(t, func(http.ResponseWriter, *http.Request) {
		cancel(cause)
		<-release
	})
	err := c.Do(ctx, Call{Method: "POST", Path: "/batches", Effect: retry.EffectCreate, JSON: 1}, nil)
	close(release)
	if retry.ClassOf(err) != retry.Ambiguous || !errors.Is(err, cause) {
		t.Error(err)
	}
}

func TestCallThatCannotBeMadeIsPermanent(t *testing.T) {
	c := serve(t, reply(200, "{}"))
	for _, call := range []Call{
		{Method: "GET", Path: "/\x00"},
		{Method: "POST", Path: "/x", JSON: func() {}},
	} {
		if err := c.Do(t.Context(), call, nil); retry.ClassOf(err) != retry.Permanent {
			t.Errorf("%s: %v", call, err)
		}
	}
}

func TestRequestAsItIsSent(t *testing.T) {
	var got *http.Request
	var body []byte
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	})
	text := io.NopCloser(strings.NewReader("a <b>"))
	for _, call := range []Call{
		{Method: "POST", Path: "/files?x=1", Body: text, Size: 5, ContentType: "text/plain"},
		{Method: "POST", Path: "/files?x=1", JSON: "a <b>", ContentType: "ignored"},
	} {
		if err := c.Do(t.Context(), call, nil); err != nil {
			t.Fatal(err)
		}
		if len(got.TransferEncoding) > 0 || got.ContentLength != int64(len(body)) {
			t.Errorf("length %d, encoding %v of %q", got.ContentLength, got.TransferEncoding, body)
		}
		if got.URL.String() != "/v1/files?x=1" || !strings.Contains(string(body), "a <b>") {
			t.Errorf("%s %q", got.URL, body)
		}
		if want := call.contentType(); got.Header.Get("Content-Type") != want {
			t.Errorf("Content-Type is %q, want %q", got.Header.Get("Content-Type"), want)
		}
	}
}
