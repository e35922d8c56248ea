package simulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

// watched looks into the log as soon as something of the answer arrives.
type watched struct {
	*httptest.ResponseRecorder
	look func()
}

func (w watched) WriteHeader(status int) {
	w.look()
	w.ResponseRecorder.WriteHeader(status)
}

func (w watched) Write(p []byte) (int, error) {
	w.look()
	return w.ResponseRecorder.Write(p)
}

// A client that has its answer finds the request in the log, and once.
func TestARequestIsLoggedBeforeItsAnswer(t *testing.T) {
	srv, _ := openaitest.Start(t, simulator.Config{})
	looks := 0
	answer := watched{httptest.NewRecorder(), func() {
		looks++
		for r, err := range srv.Requests() {
			if err != nil || r.Status != http.StatusNotFound {
				t.Errorf("%+v, %v", r, err)
			}
		}
		if n := count(t, srv); n != 1 {
			t.Errorf("%d requests are in the log", n)
		}
	}}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/files/none/content", http.NoBody)
	r.Header.Set("Authorization", "Bearer sk-test")
	srv.ServeHTTP(answer, r)
	if n := count(t, srv); looks == 0 || n != 1 {
		t.Errorf("%d requests are in the log, %d looks", n, looks)
	}
}

func count(t *testing.T, srv *simulator.Server) (n int) {
	t.Helper()
	for _, err := range srv.Requests() {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// The log says that a request came with a key, and to which host, but not the
// key.
func TestTheLogHoldsNoKey(t *testing.T) {
	t.Parallel()
	srv, _ := openaitest.Start(t, simulator.Config{})
	for _, send := range []func(*http.Request){
		func(r *http.Request) { r.Header.Set("Authorization", "Bearer canary") },
		func(r *http.Request) { r.Header.Set("X-Api-Key", "canary") },
		func(r *http.Request) { r.Header.Set("X-Goog-Api-Key", "canary") },
		func(r *http.Request) { r.URL.RawQuery += "&key=canary" },
		func(*http.Request) {},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://host.test/v1/files?limit=1", http.NoBody)
		send(r)
		srv.ServeHTTP(httptest.NewRecorder(), r)
	}
	var secret []bool
	for r, err := range srv.Requests() {
		if err != nil || strings.Contains(fmt.Sprint(r), "canary") || r.Host != "host.test" || r.Path != "/v1/files?limit=1" {
			t.Errorf("%+v, %v", r, err)
		}
		secret = append(secret, r.Secret)
	}
	if !slices.Equal(secret, []bool{true, true, true, true, false}) {
		t.Errorf("came with a key: %v", secret)
	}
}
