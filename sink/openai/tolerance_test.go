package openai_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
)

// canned serves these bodies by path, and 404 for any other.
func canned(t *testing.T, bodies map[string]string) *openai.Client {
	t.Helper()
	return handle(t, func(w http.ResponseWriter, r *http.Request) {
		body, ok := bodies[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte(body))
	})
}

func handle(t *testing.T, h http.HandlerFunc) *openai.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return connect(t, server.URL, openai.Config{})
}

var one = sink.Handle{Batch: "b", File: "in"}

func TestStatusIsReadHoweverItIsWritten(t *testing.T) {
	for body, want := range map[string]sink.Status{
		`{"status":"COMPLETED"}`:                                                         {Ended: true, Accepted: true, Phase: "completed"},
		`{"status":"Expired","created_at":null}`:                                         {Ended: true, Accepted: true, Phase: "expired"},
		`{"status":"cancelled","created_at":1763600000.5}`:                               {Ended: true, Phase: "cancelled"},
		`{"status":"in_progress","created_at":"2026-11-21T05:00:00Z","extra":{"a":[1]}}`: {Accepted: true, Phase: "in_progress"},
		`{"status":"validating","created_at":"yesterday"}`:                               {Phase: "validating"},
		`{"status":"paused_by_operator"}`:                                                {Unknown: true, Phase: "paused_by_operator"},
		`{"status":"completed","request_counts":null,"errors":null,"metadata":null}`:     {Ended: true, Accepted: true, Phase: "completed"},
		`{"status":"completed","request_counts":{"total":null,"completed":3}}`:           {Ended: true, Accepted: true, Phase: "completed", Succeeded: 3},
		`{"status":"completed","metadata":{"n":1,"o":{"p":null}}}`:                       {Ended: true, Accepted: true, Phase: "completed"},
		`{"status":"Finalizing"}`:                                                        {Accepted: true, Phase: "finalizing"},
		`{"status":"cancelling"}`:                                                        {Phase: "cancelling"},
		`{}`:                                                                             {Unknown: true},
	} {
		c := canned(t, map[string]string{"/v1/batches/b": body})
		got, err := c.Status(t.Context(), one)
		if aged := strings.Contains(body, `"created_at":1`) || strings.Contains(body, `"created_at":"2`); aged != (got.Age > 0) {
			t.Errorf("%s: %s old", body, got.Age)
		}
		if got.Age = 0; err != nil || got != want {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

func TestRefusalHasAClass(t *testing.T) {
	const noReason = "the provider gave no reason"
	line := func(code string) string {
		return `{"code":"` + code + `","message":"m","param":null,"line":2}`
	}
	of := func(data string) string {
		return `{"status":"failed","errors":{"object":"list","data":[` + data + `]}}`
	}
	for body, want := range map[string]sink.RowError{
		// None of it ran, and nobody knows why.
		`{"status":"failed"}`:                                               {Class: retry.Retryable, Code: "failed", Message: noReason},
		`{"status":"failed","errors":null}`:                                 {Class: retry.Retryable, Code: "failed", Message: noReason},
		`{"status":"failed","errors":{}}`:                                   {Class: retry.Retryable, Code: "failed", Message: noReason},
		`{"status":"FAILED","errors":{"data":[]}}`:                          {Class: retry.Retryable, Code: "failed", Message: noReason},
		`{"status":"failed","errors":{"data":null}}`:                        {Class: retry.Retryable, Code: "failed", Message: noReason},
		of(`{"code":"odd","message":"m"}`):                                  {Class: retry.Retryable, Code: "odd", Message: "m"},
		of(`{"code":"invalid_request","message":"m","param":"x","line":0}`): {Class: retry.Retryable, Code: "invalid_request", Message: "m (x)"},
		// In whatever shape it is said.
		`{"status":"failed","errors":"words"}`:                               {Class: retry.Retryable, Message: "words"},
		`{"status":"failed","errors":["words"]}`:                             {Class: retry.Retryable, Message: "words"},
		`{"status":"failed","errors":[{"code":"odd","message":"m"}]}`:        {Class: retry.Retryable, Code: "odd", Message: "m"},
		`{"status":"failed","errors":{"code":"odd","message":"m"}}`:          {Class: retry.Retryable, Code: "odd", Message: "m"},
		`{"status":"failed","errors":{"data":{"code":7,"message":{"a":1}}}}`: {Class: retry.Retryable, Code: "7", Message: `{"a":1}`},
		`{"status":"failed","errors":[null,7]}`:                              {Class: retry.Retryable, Code: "failed", Message: noReason},
		of(`{"code":"invalid_url","message":"m","param":null,"line":"1"}`):   {Class: retry.Permanent, Code: "invalid_url", Message: "m"},
		// Lines are at fault, whatever else is said.
		of(`{"code":"invalid_url","message":"m","param":"url","line":1}`): {Class: retry.Permanent, Code: "invalid_url", Message: "m (url)"},
		of(line("odd")): {Class: retry.Permanent, Code: "odd", Message: "m"},
		of(`{"code":"other","message":"n"},` + line("odd")): {Class: retry.Permanent, Code: "odd", Message: "m"},
		// All rows are.
		of(`{"code":"empty_file","message":"m","param":null,"line":null}`): {Class: retry.Permanent, Code: "empty_file", Message: "m"},
		of(`{"code":"model_not_found","message":"m"}`):                     {Class: retry.Permanent, Code: "model_not_found", Message: "m"},
		of(`{"code":"file_too_large","message":"m"}`):                      {Class: retry.Permanent, Code: "file_too_large", Message: "m", Cause: sink.ErrTooLarge},
		// It passes.
		of(`{"code":"invalid_request","message":"m","param":"file_id"}`): {Class: retry.Retryable, Code: "invalid_request", Message: "m (file_id)", Cause: sink.ErrNotYet},
		of(`{"code":"token_limit_exceeded","message":"m"}`):              {Class: retry.Retryable, Code: "token_limit_exceeded", Message: "m", Cause: sink.ErrFull},
		of(`{"code":"server_error","message":"m"}`):                      {Class: retry.Retryable, Code: "server_error", Message: "m", Cause: sink.ErrNotYet},
		of(`{"code":"server_error","message":"m","line":3}`):             {Class: retry.Retryable, Code: "server_error", Message: "m", Cause: sink.ErrNotYet},
		of(line("odd") + `,{"code":"billing_not_active","message":"n"}`): {Class: retry.Blocked, Code: "billing_not_active", Message: "n"},
	} {
		c := canned(t, map[string]string{"/v1/batches/b": body})
		got, err := c.Status(t.Context(), one)
		if err != nil || !got.Ended || got.Accepted || got.Err == nil || *got.Err != want {
			t.Errorf("%s: %+v, %v", body, got.Err, err)
		}
	}
}

// How much there is room for is read, if it is said.
func TestTheTokenLimitIsRead(t *testing.T) {
	const said = `Enqueued token limit reached for gpt-x in organization org-x. Limit: 90,000 enqueued tokens. Please try again`
	c := canned(t, map[string]string{
		"/v1/batches/b": `{"status":"failed","errors":{"data":[{"code":"token_limit_exceeded","message":"` + said + `"}]}}`,
	})
	s, err := c.Status(t.Context(), one)
	if err != nil || s.Err == nil {
		t.Fatalf("%+v, %v", s, err)
	}
	if full, ok := errors.AsType[*sink.FullError](s.Err); !ok || full.Tokens != 90_000 || !errors.Is(s.Err, sink.ErrFull) {
		t.Errorf("%+v", s.Err)
	}
}

// Of a batch that ran, what it did counts, and not that it failed.
func TestABatchThatRanWasNotRefused(t *testing.T) {
	for _, ran := range []string{`"output_file_id":"out"`, `"error_file_id":"err"`, `"request_counts":{"total":2,"completed":1}`} {
		c := canned(t, map[string]string{"/v1/batches/b": `{"status":"failed",` + ran + `,"errors":{"data":[{"code":"odd"}]}}`})
		if s, err := c.Status(t.Context(), one); err != nil || !s.Ended || !s.Accepted || s.Err != nil {
			t.Errorf("%s: %+v, %v", ran, s, err)
		}
	}
}

// result is a line of an output file.
func result(id, body string) string {
	return fmt.Sprintf(`{"id":"x","custom_id":%q,"response":{"status_code":200,"body":%s},"error":null}`, id, body)
}

const ended = `{"id":"b","status":"completed","output_file_id":"out","error_file_id":"err","request_counts":null}`

func TestFilesAreReadHoweverTheirLinesEnd(t *testing.T) {
	for name, output := range map[string]string{
		"newlines":         result("a", "1") + "\n" + result("b", "2") + "\n",
		"no final newline": result("a", "1") + "\n" + result("b", "2"),
		"CRLF":             result("a", "1") + "\r\n" + result("b", "2") + "\r\n",
		"blank lines":      "\n\n" + result("a", "1") + "\n \n\t\n" + result("b", "2") + "\n\n",
		"unknown fields":   strings.ReplaceAll(result("a", "1")+"\n"+result("b", "2"), `"id"`, `"new":[{}],"id"`),
		"empty error":      strings.ReplaceAll(result("a", "1")+"\n"+result("b", "2"), `"error":null`, `"error":{"code":null,"message":null}`),
	} {
		c := canned(t, map[string]string{"/v1/batches/b": ended, "/v1/files/out/content": output, "/v1/files/err/content": ""})
		got := outcomes(t, c, one)
		if len(got) != 2 || string(got["a"].Body) != "1" || string(got["b"].Body) != "2" || got["a"].Err != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestLineOfFortyMegabytes(t *testing.T) {
	long := `"` + strings.Repeat("x", 40<<20) + `"`
	c := canned(t, map[string]string{
		"/v1/batches/b":         ended,
		"/v1/files/out/content": result("a", long) + "\n" + result("b", "2"), "/v1/files/err/content": "",
	})
	got := outcomes(t, c, one)
	if len(got["a"].Body) != len(long) || string(got["b"].Body) != "2" {
		t.Errorf("%d bytes, %+v", len(got["a"].Body), got["b"])
	}
}

func TestLineWithoutEndIsAnErrorThatNamesIt(t *testing.T) {
	chunk := []byte(strings.Repeat("x", 1<<20))
	c := handle(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/content") {
			_, _ = w.Write([]byte(ended))
			return
		}
		_, _ = w.Write([]byte(result("a", "1") + "\n"))
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	n := 0
	for o, err := range c.Results(t.Context(), one) {
		if n++; n == 1 {
			if o.ID != "a" || err != nil {
				t.Errorf("%+v, %v", o, err)
			}
			continue
		}
		if retry.ClassOf(err) != retry.Permanent || !strings.Contains(err.Error(), "line 2") {
			t.Error(err)
		}
	}
	if n != 2 {
		t.Errorf("%d outcomes", n)
	}
}

func TestLineThatStaysUnreadableIsNobodys(t *testing.T) {
	for name, bad := range map[string]string{
		"torn":           `{"custom_id":"b","respo`,
		"another type":   `{"custom_id":7,"response":{"status_code":200,"body":{}}}`,
		"no JSON at all": `<html>`,
	} {
		// More of them than there are attempts.
		output := result("a", "1") + "\n" + strings.Repeat(bad+"\n", 6) + result("c", "3") + "\n"
		c := canned(t, map[string]string{"/v1/batches/b": ended, "/v1/files/out/content": output, "/v1/files/err/content": ""})
		var ids []string
		for o, err := range c.Results(t.Context(), one) {
			if err != nil {
				t.Fatal(name, err)
			}
			ids = append(ids, o.ID)
			if o.ID == "" && (o.Line != 0 || o.Err == nil || o.Err.Code != "unreadable_line") {
				t.Errorf("%s: %+v", name, o)
			}
		}
		if got := strings.Join(ids, ","); got != "a,,,,,,,c" {
			t.Errorf("%s: rows %s", name, got)
		}
	}
}

func TestFileThatIsCutCleanlyIsReadAgain(t *testing.T) {
	whole, reads := result("a", "1")+"\n"+result("b", "2")+"\n", 0
	c := handle(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/batches/b":
			_, _ = w.Write([]byte(`{"status":"completed","output_file_id":"out","request_counts":{"completed":2}}`))
		default:
			if reads++; reads == 1 { // as a cache does that was filled too early
				_, _ = w.Write([]byte(result("a", "1") + "\n"))
				return
			}
			_, _ = w.Write([]byte(whole))
		}
	})
	if got := outcomes(t, c, one); len(got) != 2 || reads != 2 {
		t.Errorf("%d rows in %d reads", len(got), reads)
	}
}

func TestFindInListsOfOtherShapes(t *testing.T) {
	old := time.Now().Add(-24 * time.Hour).Unix()
	entry := func(id, tag string, at int64) string {
		return fmt.Sprintf(`{"id":%q,"status":"completed","created_at":%d,"metadata":{"baler_tag":%q,"n":1}}`, id, at, tag)
	}
	page := func(more bool, entries ...string) string {
		return fmt.Sprintf(`{"data":[%s],"has_more":%t}`, strings.Join(entries, ","), more)
	}
	now := time.Now().Unix()
	for name, test := range map[string]struct {
		pages map[string]string // by the parameter after
		want  string
		class retry.Class
	}{
		"oldest first":       {map[string]string{"": page(true, entry("1", "x", old-1), entry("2", "x", old)), "2": page(false, entry("3", "tag", now))}, "3", 0},
		"null metadata":      {map[string]string{"": page(false, `{"id":"1","metadata":null}`, entry("3", "tag", now))}, "3", 0},
		"without times":      {map[string]string{"": page(true, `{"id":"1"}`), "1": page(false, entry("3", "tag", 0))}, "3", 0},
		"two of a tag":       {map[string]string{"": page(false, entry("4", "tag", now), entry("3", "tag", now))}, "4 3", 0},
		"empty":              {map[string]string{"": `{"data":[],"has_more":false}`}, "", 0},
		"empty but has more": {map[string]string{"": `{"data":[],"has_more":true}`}, "", 0},
		"always page one":    {map[string]string{"": page(true, entry("1", "x", now)), "1": page(true, entry("1", "x", now))}, "", retry.Permanent},
	} {
		c := handle(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(test.pages[r.URL.Query().Get("after")]))
		})
		found, err := c.Find(t.Context(), "tag", time.Now().Add(-time.Hour))
		if strings.Join(found, " ") != test.want || retry.ClassOf(err) != test.class {
			t.Errorf("%s: found %q, %v", name, found, err)
		}
	}
}

func TestServerWithoutAListOfFilesTakesUploads(t *testing.T) {
	for _, status := range []int{404, 405} {
		c := handle(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				w.WriteHeader(status)
				return
			}
			_, _ = w.Write([]byte(`{"id":"file-1"}`))
		})
		if id, err := c.Upload(t.Context(), spec("tag"), rows(chat("a"))); id != "file-1" || err != nil {
			t.Errorf("%d: %q, %v", status, id, err)
		}
	}
}

func TestCreateIsCalledOnceAndClassified(t *testing.T) {
	for reply, want := range map[string]retry.Class{
		`200 {"id":"batch_1"}`: 0,
		`200 {}`:               retry.Ambiguous,
		`200 <html>`:           retry.Ambiguous,
		`200 `:                 retry.Ambiguous,
		`400 {"error":{"code":"invalid_value","param":"endpoint"}}`: retry.Permanent,
		`401 {}`:     retry.Blocked,
		`403 {}`:     retry.Blocked,
		`404 {}`:     retry.Retryable, // the file is there
		`408 `:       retry.Ambiguous,
		`409 {}`:     retry.Ambiguous,
		`413 <html>`: retry.Permanent,
		`429 {"error":{"code":"rate_limit_exceeded"}}`:  retry.Retryable,
		`429 {"error":{"code":"token_limit_exceeded"}}`: retry.Retryable,
		`429 {"error":{"code":"insufficient_quota"}}`:   retry.Blocked,
		`500 {}`:        retry.Ambiguous,
		`502 <html>`:    retry.Ambiguous,
		`503 {}`:        retry.Ambiguous,
		`504 <html>`:    retry.Ambiguous,
		`529 {}`:        retry.Ambiguous,
		`307 elsewhere`: retry.Retryable, // not the provider's word
		`422 {}`:        retry.Permanent,
	} {
		calls := 0
		c := handle(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet { // whether the file is still there
				_, _ = w.Write([]byte(`{"id":"file"}`))
				return
			}
			calls++
			var status int
			_, _ = fmt.Sscan(reply, &status)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(reply[4:]))
		})
		batch, err := c.Create(context.Background(), spec("tag"), "file", nil)
		if retry.ClassOf(err) != want || calls != 1 || (batch == "") != (err != nil) {
			t.Errorf("%s: %q after %d calls, want %s: %v", reply, batch, calls, want, err)
		}
	}
}
