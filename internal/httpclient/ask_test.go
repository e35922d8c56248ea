package httpclient

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/retry"
)

func answer(ctx context.Context, c *Client, path string) (Answer, error) {
	return c.Ask(ctx, Call{
		Method: "POST", Path: path, Effect: retry.EffectCreate, Kind: Unpaced,
		Body: io.NopCloser(strings.NewReader("{}")), Size: 2, ContentType: "application/json",
	})
}

// Only a call without a whole reply may have been answered.
func TestAnAnswerCountsWhateverItsStatus(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Left", "7")
		switch r.URL.Path {
		case "/v1/ok":
			_, _ = io.WriteString(w, `{"ok":1}`)
		case "/v1/down":
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"error":{"message":"down"}}`)
		case "/v1/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"ok":`)
		case "/v1/lost":
			panic(http.ErrAbortHandler)
		case "/v1/long":
			_, _ = io.Copy(w, io.LimitReader(endless{}, maxReply+1))
		}
	})
	for path, want := range map[string]struct {
		status int
		body   string
		class  retry.Class
	}{
		"/ok":   {200, `{"ok":1}`, 0},
		"/down": {503, `{"error":{"message":"down"}}`, retry.Retryable},
		"/cut":  {200, `{"ok":`, retry.Ambiguous},
		"/lost": {0, "", retry.Ambiguous},
		"/long": {200, "", retry.Ambiguous},
	} {
		a, err := answer(t.Context(), c, path)
		if a.Status != want.status || want.body != "" && string(a.Body) != want.body || retry.ClassOf(err) != want.class {
			t.Errorf("%s: %d %.40q, %v", path, a.Status, a.Body, err)
		}
		if a.Status != 0 && a.Header.Get("X-Left") != "7" {
			t.Errorf("%s has no header: %v", path, a.Header)
		}
	}
	if _, err := answer(t.Context(), nil, "/ok"); retry.ClassOf(err) != retry.Permanent {
		t.Errorf("the zero client: %v", err)
	}
}

func TestAnAnswerThatTakesTooLongIsAmbiguous(t *testing.T) {
	release := make(chan struct{})
	c := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := answer(ctx, c, "/slow")
	close(release)
	if retry.ClassOf(err) != retry.Ambiguous {
		t.Error(err)
	}
}
