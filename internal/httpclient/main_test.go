package httpclient

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "sk-marker-0123456789"

func bearer(h http.Header) { h.Set("Authorization", "Bearer "+secret) }

// serve returns a client of a server that answers every request with handle.
func serve(t *testing.T, handle http.HandlerFunc) *Client {
	t.Helper()
	return connect(t, handle, bearer)
}

func connect(t *testing.T, handle http.HandlerFunc, auth func(http.Header)) *Client {
	t.Helper()
	srv := httptest.NewServer(handle)
	c, err := New(srv.URL+"/v1", auth, Evenly(1000), nil)
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
