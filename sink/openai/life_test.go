package openai_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

func TestTheLifeOfResultsIsAskedForAndBounded(t *testing.T) {
	var got any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, `{"id":"batch_1"}`)
	}))
	t.Cleanup(server.Close)
	c := connect(t, server.URL, openai.Config{OutputLife: 36 * time.Hour})
	if _, err := c.Create(t.Context(), spec("in"), "file-1", nil); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"completion_window": "24h", "endpoint": endpoint, "input_file_id": "file-1", "metadata": map[string]any{"baler_tag": "in"},
		"output_expires_after": map[string]any{"anchor": "created_at", "seconds": 129600.0},
	}
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, life := range []time.Duration{-time.Hour, time.Hour - 1, 30*24*time.Hour + 1} {
		if _, err := openai.New(secret, openai.Config{OutputLife: life}); err == nil || !strings.Contains(err.Error(), "Config.OutputLife is") {
			t.Errorf("%s: %v", life, err)
		}
	}
}

// Results that have expired are gone: that is an error, and not a file without
// rows.
func TestExpiredResultsAreGone(t *testing.T) {
	server, _ := simulate(t, simulator.Config{})
	c := connect(t, server.URL, openai.Config{OutputLife: time.Hour})
	h := buy(t, c, "tag", chat("a"), chat("b"))
	await(t, c, h, "completed")
	if got := outcomes(t, c, h); len(got) != 2 {
		t.Errorf("%d outcomes", len(got))
	}
	if err := server.Advance(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	ids, errs := read(t, c.Results(t.Context(), h))
	if len(ids) > 0 || len(errs) != 1 || !strings.Contains(errs[0].Error(), "No such File object") {
		t.Errorf("%q, %v", ids, errs)
	}
}
