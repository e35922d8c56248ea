package simulator_test

import (
	"net/http"
	"net/http/httptest"
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
