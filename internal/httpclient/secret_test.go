package httpclient

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/balerhq/baler/retry"
)

// manyHeaders carries the key as different providers want it.
func manyHeaders(h http.Header) {
	bearer(h)
	for _, name := range []string{"X-Api-Key", "Api-Key", "X-Goog-Api-Key"} {
		h.Set(name, secret)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var reached atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := connect(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.Path, status)
		}, manyHeaders)
		for _, effect := range []retry.Effect{retry.EffectIdempotent, retry.EffectCreate} {
			err := c.Do(t.Context(), Call{Method: "POST", Path: "/batches", Effect: effect, JSON: 1}, nil)
			if class := retry.ClassOf(err); class != retry.Permanent {
				t.Errorf("%d: %v is %s, want permanent", status, err, class)
			}
		}
		if _, err := c.Stream(t.Context(), Call{Method: "GET", Path: "/files/f/content"}); err == nil {
			t.Errorf("%d: a redirect was streamed", status)
		}
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d requests went to the other host", n)
	}
}

// broken answers in ways that end in an error, each echoing the request.
func broken() map[string]http.HandlerFunc {
	echo := func(status int, format string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, format, r.Header.Get("Authorization"))
		}
	}
	return map[string]http.HandlerFunc{
		"envelope": echo(401, `{"error":{"message":"bad header: %s","type":"x","code":"invalid_api_key"}}`),
		"code":     echo(400, `{"error":{"message":"m","code":%q}}`),
		"flat":     echo(500, `{"message":"%s","request_id":"r"}`),
		"words":    echo(403, `{"error":"%s"}`),
		"html":     echo(502, `<html>%s</html>`),
		"not JSON": echo(200, `%s`),
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://x/?"+secret, http.StatusFound)
		},
		"reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
}

func TestKeyIsInNoError(t *testing.T) {
	for name, handle := range broken() {
		c := connect(t, handle, manyHeaders)
		var into map[string]any
		err := c.Do(t.Context(), Call{Method: "GET", Path: "/batches"}, &into)
		if err == nil {
			t.Fatalf("%s: no error", name)
		}
		for e := err; e != nil; {
			if text := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(text, secret) {
				t.Errorf("%s: the key is in %s", name, text)
			}
			unwrapper, ok := e.(interface{ Unwrap() error })
			if !ok {
				break
			}
			e = unwrapper.Unwrap()
		}
	}
}

func TestKeyIsInNoPrintOfTheClient(t *testing.T) {
	c := serve(t, reply(200, "{}"))
	if err := c.Do(t.Context(), Call{Method: "GET", Path: "/x"}, nil); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%v %+v %#v %+v", c, c, c, *c)
	encoded, err := json.Marshal(map[string]any{"client": c})
	if err != nil {
		t.Fatal(err)
	}
	if text += string(encoded); strings.Contains(text, secret) {
		t.Errorf("the key is in %s", text)
	}
}

func TestErrorBodyIsCut(t *testing.T) {
	c := serve(t, reply(400, `{"error":{"message":"`+strings.Repeat("prompt ", 1<<20)+`"}}`))
	err := c.Do(t.Context(), Call{Method: "GET", Path: "/x"}, nil)
	if retry.ClassOf(err) != retry.Permanent || len(err.Error()) > maxError+200 {
		t.Errorf("error of %d bytes and class %s", len(err.Error()), retry.ClassOf(err))
	}
}

// A query may hold a secret of its own, such as the id of an upload session.
func TestNoQueryIsInAnError(t *testing.T) {
	check := func(name, where string, err error) {
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), "canary") || !strings.Contains(err.Error(), "POST /upload") {
			t.Errorf("%s: %s: %v", name, where, err)
		}
	}
	handlers := broken()
	handlers["a path that cannot be parsed"] = reply(500, "")
	for name, handle := range handlers {
		call := Call{Method: "POST", Path: "/upload?upload_id=canary", JSON: 1}
		if strings.Contains(name, "parsed") {
			call.Path += "\x7f"
		}
		c := connect(t, handle, manyHeaders)
		check(name, "as a whole", c.Do(t.Context(), call, new(map[string]any)))
		if name != "not JSON" {
			_, err := c.Stream(t.Context(), call)
			check(name, "as a stream", err)
		}
		call.Effect = retry.EffectCreate
		check(name, "a creation", c.Do(t.Context(), call, new(map[string]any)))
	}
}
