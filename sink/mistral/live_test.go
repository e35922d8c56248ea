package mistral_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/mistral"
)

// A batch names the model that its rows do not. Called one by one, each does.
func TestALiveCallNamesItsModel(t *testing.T) {
	var got []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.URL.Path)
	}))
	defer server.Close()
	c, err := mistral.New("key", mistral.Config{BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdle()
	for body, want := range map[string]string{
		`{"messages":[]}`:   `{"model":"m","messages":[]}`,
		`{ "messages":[]}`:  `{"model":"m", "messages":[]}`,
		`{}`:                `{"model":"m"}`,
		`{"model":"other"}`: `{"model":"other"}`,
		`[]`:                `[]`,
	} {
		reply, err := c.Call(t.Context(), sink.LiveCall{Endpoint: "/v1/chat/completions", Model: "m", Body: json.RawMessage(body)})
		if err != nil || string(got) != want || string(reply.Body) != "/v1/chat/completions" {
			t.Errorf("%s was sent as %s to %s, %v", body, got, reply.Body, err)
		}
	}
	if _, err := c.Call(t.Context(), sink.LiveCall{Endpoint: "@elsewhere/v1", Model: "m"}); retry.ClassOf(err) != retry.Permanent {
		t.Errorf("an endpoint that is another host: %v", err)
	}
}
