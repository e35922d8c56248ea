package anthropic_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/anthropic"
)

func succeeded(id string) string {
	return `{"custom_id":"` + id + `","result":{"type":"succeeded","message":{"id":"` + id + `"}}}` + "\n"
}

func canceled(id string) string {
	return `{"custom_id":"` + id + `","result":{"type":"canceled"}}` + "\n"
}

// results serves a batch, and these bodies for its results one after the other,
// the last one again and again.
func results(t *testing.T, batch string, bodies ...string) (*anthropic.Client, *atomic.Int32) {
	t.Helper()
	reads := new(atomic.Int32)
	c := handle(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != batches+"/b/results" {
			_, _ = io.WriteString(w, batch)
			return
		}
		n := int(reads.Add(1))
		_, _ = io.WriteString(w, bodies[min(n, len(bodies))-1])
	})
	return c, reads
}

func ids(got []sink.Outcome) string {
	var all strings.Builder
	for _, o := range got {
		all.WriteString(o.ID)
	}
	return all.String()
}

// A stream that ends between two lines ends without an error, so the lines are
// counted against the batch.
func TestAStreamThatIsCutBetweenLinesIsReadAgain(t *testing.T) {
	whole := succeeded("a") + succeeded("b") + canceled("c")
	for name, test := range map[string]struct {
		bodies []string
		want   string
		reads  int32
	}{
		"whole":               {[]string{whole}, "abc", 1},
		"cut at a line end":   {[]string{succeeded("a"), whole}, "abc", 2},
		"cut within a line":   {[]string{succeeded("a") + succeeded("b")[:40], whole}, "abc", 2},
		"another order":       {[]string{succeeded("b"), canceled("c") + succeeded("b") + succeeded("a")}, "bac", 2},
		"always short":        {[]string{succeeded("a")}, "a", 2},
		"without a last end":  {[]string{strings.TrimSuffix(whole, "\n")}, "abc", 1},
		"with carriage ends":  {[]string{strings.ReplaceAll(whole, "\n", "\r\n")}, "abc", 1},
		"a late success wins": {[]string{canceled("a") + succeeded("b") + succeeded("a")}, "baa", 2},
	} {
		c, reads := results(t, ended(2, 0, 1), test.bodies...)
		got, err := outcomes(t, c)
		if err != nil || ids(got) != test.want || reads.Load() != test.reads {
			t.Errorf("%s: %s after %d readings, %v", name, ids(got), reads.Load(), err)
		}
	}
}

func TestABodyThatIsNoResultIsAnErrorAndNoOutcome(t *testing.T) {
	for _, body := range []string{"<html>maintenance</html>", `{"type":"error","error":{"type":"api_error"}}`, "{}"} {
		c, _ := results(t, ended(2, 0, 0), body)
		if got, err := outcomes(t, c); len(got) > 0 || retry.ClassOf(err) != retry.Retryable {
			t.Errorf("%s: %v, %v", body, got, err)
		}
	}
}

func TestResultsThatAreNotThereAreToldApart(t *testing.T) {
	for name, test := range map[string]struct {
		batch string
		class retry.Class
		words string
		is    error
	}{
		"runs":        {`{"id":"b","processing_status":"in_progress","results_url":null}`, retry.Retryable, "in_progress", sink.ErrNotEnded},
		"odd state":   {`{"id":"b","processing_status":"paused\u001b[31m"}`, retry.Retryable, "paused", sink.ErrNotEnded},
		"archived":    {`{"id":"b","processing_status":"ended","results_url":null,"archived_at":"2026-09-18T18:37:24.1Z"}`, retry.Permanent, "for 29 days", nil},
		"old":         {`{"id":"b","processing_status":"ended","results_url":null,"created_at":"2024-09-18T18:37:24.1Z"}`, retry.Permanent, "for 29 days", nil},
		"no URL yet":  {`{"id":"b","processing_status":"ended","results_url":null}`, retry.Retryable, "not there yet", nil},
		"not found":   {`{"id":"b","processing_status":"ended","results_url":"x"}`, retry.Retryable, "not there yet", nil},
		"not another": {`{"id":"another","processing_status":"ended"}`, retry.Retryable, "about another batch", nil},
	} {
		c := canned(t, map[string]string{batches + "/b": test.batch})
		got, err := outcomes(t, c)
		if len(got) > 0 || retry.ClassOf(err) != test.class || !strings.Contains(err.Error(), test.words) || strings.ContainsRune(err.Error(), 0x1b) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: %v is not %v", name, err, test.is)
		}
		if gone := purchase.IsGone(err); gone != (test.class == retry.Permanent) {
			t.Errorf("%s: gone for good is %v: %v", name, gone, err)
		}
	}
}

// Results are read from the service that the client calls, wherever a batch
// says that they are.
func TestResultsAreNeverReadFromAnotherHost(t *testing.T) {
	stranger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a stranger was called: %s %s with %v", r.Method, r.URL, r.Header)
	}))
	t.Cleanup(stranger.Close)
	c, reads := results(t, strings.Replace(ended(1, 0, 0), `"x"`, `"`+stranger.URL+batches+`/b/results"`, 1), succeeded("a"))
	if got, err := outcomes(t, c); err != nil || ids(got) != "a" || reads.Load() != 1 {
		t.Errorf("%v, %v", got, err)
	}
	moved := handle(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, stranger.URL+r.URL.Path, http.StatusTemporaryRedirect)
	})
	if _, err := outcomes(t, moved); err == nil {
		t.Error("a redirect was followed")
	}
	if _, err := moved.Create(t.Context(), spec("t"), "", rows(chat("a"))); err == nil {
		t.Error("a redirect was followed")
	}
}
