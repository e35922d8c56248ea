package simulator_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// The keys of one account see the same objects, others do not.
func TestKeysOfOneAccount(t *testing.T) {
	s, err := simulator.New(simulator.Config{Accounts: map[string]string{"old": "acme", "new": "acme", "other": "else"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	call := func(key, method, path, body string) (*httptest.ResponseRecorder, string) {
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+key)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		text, err := io.ReadAll(w.Result().Body)
		if err != nil {
			t.Fatal(err)
		}
		return w, string(text)
	}
	_, reply := call("old", http.MethodPost, "/v1/batches",
		`{"input_file_id":"file-x","endpoint":"/v1/chat/completions","completion_window":"24h"}`)
	_, id, _ := strings.Cut(reply, `"id":"`)
	id, _, _ = strings.Cut(id, `"`)
	for key, want := range map[string]int{"old": 200, "new": 200, "other": 404, "unnamed": 404} {
		w, reply := call(key, http.MethodGet, "/v1/batches/"+id, "")
		if w.Code != want {
			t.Errorf("%s: %d, want %d: %s", key, w.Code, want, reply)
		}
		if got := w.Header().Get("Openai-Organization"); key == "new" && got != "acme" || key == "unnamed" && got != "" {
			t.Errorf("%s: account %q", key, got)
		}
	}
}
