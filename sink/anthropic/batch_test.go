package anthropic_test

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/anthropic"
)

func TestStatusIsReadHoweverItIsWritten(t *testing.T) {
	for body, want := range map[string]sink.Status{
		`{"processing_status":"in_progress","request_counts":{"processing":7,"succeeded":0}}`: {Phase: "in_progress", Total: 7},
		`{"processing_status":"canceling","created_at":"2026-08-20T18:37:24.100435Z"}`:        {Phase: "canceling"},
		`{"processing_status":"Cancelling"}`:                                                  {Phase: "cancelling"},
		`{"processing_status":"ENDED","request_counts":null}`:                                 {Ended: true, Phase: "ended"},
		`{"processing_status":"ended","request_counts":"none"}`:                               {Ended: true, Phase: "ended"},
		`{"processing_status":"paused","new":{"a":[1]}}`:                                      {Unknown: true, Phase: "paused"},
		`{"processing_status":7}`:                                                             {Unknown: true},
		ended(4, 2, 1):                                                                        {Ended: true, Phase: "ended", Total: 7, Succeeded: 4, Failed: 2, NotRun: 1},
		`{}`:                                                                                  {Unknown: true},
	} {
		got, err := canned(t, map[string]string{batches + "/b": body}).Status(t.Context(), one)
		if aged := strings.Contains(body, "created_at"); aged != (got.Age > 0) {
			t.Errorf("%s: %s old", body, got.Age)
		}
		want.Accepted, got.Age = true, 0
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

func failure(kind, message string) string {
	return `{"type":"error","error":{"type":"` + kind + `","message":"` + message + `"},"request_id":"req_1"}`
}

func TestWhyACreationFailed(t *testing.T) {
	const html = "<html>413 Request Entity Too Large cloudflare</html>"
	for name, test := range map[string]struct {
		status int
		body   string
		class  retry.Class
		is     error
	}{
		"too large":         {413, failure("request_too_large", "m"), retry.Permanent, sink.ErrTooLarge},
		"too large, a page": {413, html, retry.Permanent, sink.ErrTooLarge},
		"too many rows":     {400, failure("invalid_request_error", "requests: List should have at most 10 items after validation, not 11"), retry.Permanent, sink.ErrTooLarge},
		"bad id":            {400, failure("invalid_request_error", "requests.0.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"), retry.Permanent, nil},
		"full":              {429, failure("rate_limit_error", "the processing queue of your organization is full"), retry.Retryable, sink.ErrFull},
		"too often":         {429, failure("rate_limit_error", "slow down"), retry.Retryable, nil},
		"spend limit":       {429, `{"type":"error","error":{"type":"rate_limit_error","message":"m","details":{"error_code":"enforced_spend_limit_reached"}}}`, retry.Blocked, nil},
		"on hold":           {403, `{"type":"error","error":{"type":"permission_error","message":"m","details":{"error_code":"organization_on_hold"}}}`, retry.Blocked, nil},
		"own limit":         {400, failure("invalid_request_error", "You have reached your specified API usage limits."), retry.Blocked, nil},
		"billing":           {402, failure("billing_error", "m"), retry.Blocked, nil},
		"key":               {401, failure("authentication_error", "m"), retry.Blocked, nil},
		"lost on the way":   {404, "<html>", retry.Permanent, nil},
		"conflict":          {409, failure("conflict_error", "m"), retry.Ambiguous, nil},
		"overloaded":        {529, failure("overloaded_error", "m"), retry.Ambiguous, nil},
		"broken":            {500, failure("api_error", "m"), retry.Ambiguous, nil},
		"no batch":          {200, "{}", retry.Ambiguous, nil},
		"no object":         {200, "<html>", retry.Ambiguous, nil},
	} {
		c := handle(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, test.body)
		})
		_, err := c.Create(t.Context(), spec("t"), "", rows(chat("a")))
		if name == "lost on the way" {
			test.class, test.is = retry.Retryable, sink.ErrNotYet
		}
		if retry.ClassOf(err) != test.class || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRowsAboveALimitAreRefusedBeforeAnythingIsSent(t *testing.T) {
	var calls atomic.Int32
	c := handle(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		_, _ = io.WriteString(w, `{"id":"b"}`)
	})
	limits := func(l sink.Limits) *anthropic.Client {
		return connect(t, "http://127.0.0.1:1", anthropic.Config{Limits: l})
	}
	size := int64(len(`{"requests":[{"custom_id":"a","params":` + chat("a") + `}]}`))
	for name, test := range map[string]struct {
		client *anthropic.Client
		rows   sink.Rows
		want   error
	}{
		"too many":  {limits(sink.Limits{Rows: 1}), rows(chat("a"), chat("b")), sink.ErrTooLarge},
		"too large": {limits(sink.Limits{Bytes: size - 1}), rows(chat("a")), sink.ErrTooLarge},
		"two lines": {c, rows("{\n}"), nil},
		"no batch":  {c, rows(chat("a")), nil},
	} {
		s := spec("t")
		if name == "no batch" {
			s.Endpoint = "/v1/complete"
		}
		file, err := test.client.Upload(t.Context(), s, test.rows)
		if err != nil || file != "" {
			t.Errorf("%s: uploaded %q, %v", name, file, err)
		}
		if _, err := test.client.Create(t.Context(), s, "", test.rows); retry.ClassOf(err) != retry.Permanent || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("%d calls", n)
	}
	fits := limits(sink.Limits{Rows: 1, Bytes: size})
	if _, err := fits.Create(t.Context(), spec("t"), "", rows(chat("a"))); errors.Is(err, sink.ErrTooLarge) {
		t.Error(err)
	}
}

// The rows may fail while they are sent. What has left is no request then.
func TestAnErrorOfTheRowsIsNoCreation(t *testing.T) {
	errRows := errors.New("the disk is gone")
	big := chat(strings.Repeat("x", 1<<20))
	var passes atomic.Int32
	rows := iter.Seq2[sink.Row, error](func(yield func(sink.Row, error) bool) {
		sending := passes.Add(1) > 1
		for i := range 20 { // more than is kept between measuring and sending
			var err error
			if sending && i == 18 {
				err = errRows
			}
			if !yield(sink.Row{ID: fmt.Sprintf("r%d", i), Body: []byte(big)}, err) {
				return
			}
		}
	})
	whole := make(chan bool, 1)
	c := handle(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		whole <- err == nil
		_, _ = io.WriteString(w, `{"id":"b"}`)
	})
	_, err := c.Create(t.Context(), spec("t"), "", rows)
	if !errors.Is(err, errRows) || retry.ClassOf(err) != retry.Permanent {
		t.Error(err)
	}
	if passes.Load() != 2 || <-whole {
		t.Errorf("ranged over %d times", passes.Load())
	}
}

func TestAListIsReadPageByPage(t *testing.T) {
	item := func(id, more string) string {
		return `{"id":"` + id + `","processing_status":"in_progress","request_counts":{"processing":3}` + more + `}`
	}
	pages := map[string]string{
		"":  `{"data":[` + item("a", `,"created_at":"2026-08-20T18:37:24.100435Z"`) + `,7,{"id":null},` + item("b", "") + `],"has_more":true,"last_id":"b"}`,
		"b": `{"data":[` + item("b", "") + `,` + item("c", `,"created_at":"soon"`) + `],"has_more":false,"last_id":"c"}`,
	}
	c := handle(t, func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); r.URL.Path != batches || q.Get("limit") != "1000" {
			t.Errorf("%s", r.URL)
		}
		_, _ = io.WriteString(w, pages[r.URL.Query().Get("after_id")])
	})
	var got []string
	for l, err := range c.List(t.Context(), time.Unix(0, 0)) {
		if err != nil || l.Rows != 3 || l.Ended || l.Tag != "" || (l.Batch == "a") == l.Created.IsZero() || (l.Batch == "a") == (l.Age == 0) {
			t.Errorf("%+v, %v", l, err)
		}
		got = append(got, l.Batch)
	}
	if strings.Join(got, " ") != "a b c" {
		t.Errorf("listed %q", got)
	}
	for _, body := range []string{`{}`, `<html>`, `{"data":null}`, `{"data":[{"id":"a"}],"has_more":true}`} {
		var last error
		for _, last = range handle(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }).List(t.Context(), time.Now()) {
		}
		if last == nil {
			t.Errorf("%s is a whole list", body)
		}
	}
}

// The batch at the end of a page may be gone before the next one is read. What
// is behind it may be there all the same, so the list is read again.
func TestAListThatLosesItsPlaceIsReadAgain(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusNotFound} {
		c := handle(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("after_id") == "" {
				_, _ = io.WriteString(w, `{"data":[{"id":"a"}],"has_more":true,"last_id":"a"}`)
				return
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, failure("invalid_request_error", "no such batch"))
		})
		var last error
		for _, last = range c.List(t.Context(), time.Now()) {
		}
		if retry.ClassOf(last) != retry.Retryable {
			t.Errorf("%d: %v", status, last)
		}
	}
}

func TestTheDefaultCallsStayWithinTheLimitOfAnAccountThatBegins(t *testing.T) {
	c := anthropic.DefaultCalls()
	if n := 60 * (c.Creates + c.Downloads + c.Polls + c.Deletes + c.Others); n > 1000 {
		t.Errorf("%d calls a minute", n)
	}
}

func TestWhatHasEndedMayBeCancelledAndWhatHasNotIsNotRemoved(t *testing.T) {
	refuses := func(batch string) *anthropic.Client {
		return handle(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				_, _ = io.WriteString(w, batch)
				return
			}
			w.WriteHeader(http.StatusConflict)
			_, _ = io.WriteString(w, failure("conflict_error", "not now"))
		})
	}
	over, runs := refuses(ended(1, 0, 0)), refuses(`{"id":"b","processing_status":"in_progress"}`)
	if err := over.Cancel(t.Context(), one); err != nil {
		t.Error(err)
	}
	if err := runs.Cancel(t.Context(), one); retry.ClassOf(err) != retry.Permanent {
		t.Error(err)
	}
	if err := runs.Remove(t.Context(), one); !errors.Is(err, sink.ErrNotEnded) || retry.ClassOf(err) != retry.Permanent {
		t.Error(err)
	}
	if err := over.Remove(t.Context(), one); err == nil || errors.Is(err, sink.ErrNotEnded) {
		t.Error(err)
	}
	if err := runs.Remove(t.Context(), sink.Handle{File: "f"}); err != nil {
		t.Error(err)
	}
	if err := canned(t, nil).Remove(t.Context(), one); err != nil {
		t.Error(err)
	}
}
