package httpclient

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "sk-marker-0123456789"

func bearer(h http.Header) { h.Set("Authorization", "Bearer "+secret) }

// grammar is that of a provider with one word of its own.
func grammar(effect retry.Effect, status int, header http.Header, body []byte) error {
	err := retry.HTTP(effect, status, header, body)
	if e, ok := errors.AsType[*retry.Error](err); ok && e.Code == "insufficient_quota" {
		return retry.Mark(err, retry.Blocked)
	}
	return err
}

// serve returns a client of a server that answers every request with handle.
func serve(t *testing.T, handle http.HandlerFunc) *Client {
	t.Helper()
	return connect(t, handle, bearer)
}

func connect(t *testing.T, handle http.HandlerFunc, auth func(http.Header)) *Client {
	t.Helper()
	srv := httptest.NewServer(handle)
	c, err := newClient(srv.URL+"/v1", auth, Evenly(1000), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.CloseIdle()
		srv.Close()
	})
	return c
}

// reply answers with a status and a body.
func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func newClient(base string, auth func(http.Header), pace Pace, transport http.RoundTripper) (*Client, error) {
	return New(Config{Base: base, Auth: auth, Grammar: grammar, Pace: pace, Transport: transport})
}
