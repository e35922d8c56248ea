package openai_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/simulator"
)

// The codes of an account that is out of money block, wherever they turn up.
func TestSpendAndQuotaBlock(t *testing.T) {
	for _, code := range []string{"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"} {
		refusal := simulator.Fault{Action: simulator.ActionFail, Status: http.StatusTooManyRequests, Code: code, Times: -1}
		for _, route := range []string{"POST /v1/files", "POST /v1/batches", "GET /v1/batches/{id}"} {
			refusal.Route = route
			_, c := simulate(t, simulator.Config{Faults: []simulator.Fault{refusal}})
			file, err := c.Upload(t.Context(), spec("tag"), rows(chat("a")))
			if err == nil {
				_, err = c.Create(t.Context(), spec("tag"), file, nil)
			}
			if err == nil {
				_, err = c.Status(t.Context(), one)
			}
			if retry.ClassOf(err) != retry.Blocked || !strings.Contains(err.Error(), code) {
				t.Errorf("%s at %s: %v", code, route, err)
			}
		}
		c := canned(t, map[string]string{
			"/v1/batches/b":         `{"status":"failed","errors":{"data":[{"code":"` + code + `"}]}}`,
			"/v1/batches/ran":       `{"status":"failed","output_file_id":"out","errors":{"data":[{"code":"` + code + `"}]}}`,
			"/v1/files/out/content": `{"custom_id":"a","error":{"code":"` + code + `","message":"m"}}` + "\n" + `{"custom_id":"b","response":{"status_code":429,"body":{"error":{"code":"` + code + `"}}}}`,
		})
		s, err := c.Status(t.Context(), one)
		if err != nil || s.Err == nil || s.Err.Class != retry.Blocked {
			t.Errorf("%s at validation: %+v, %v", code, s, err)
		}
		ran := sink.Handle{Batch: "ran"}
		if s, err := c.Status(t.Context(), ran); err != nil || s.Err != nil || !s.Ended {
			t.Errorf("%s after rows ran: %+v, %v", code, s, err) // they would be bought again
		}
		for id, o := range outcomes(t, c, ran) {
			if o.Err == nil || o.Err.Class != retry.Blocked || o.Err.Code != code {
				t.Errorf("%s of row %v: %+v", code, id, o)
			}
		}
	}
}

func TestBatchThatIsTooLargeSaysSo(t *testing.T) {
	_, c := simulate(t, simulator.Config{Limits: simulator.Limits{UploadBytes: 10}})
	_, err := c.Upload(t.Context(), spec("tag"), rows(chat("a")))
	if !errors.Is(err, sink.ErrTooLarge) || retry.ClassOf(err) != retry.Permanent {
		t.Errorf("upload: %v", err)
	}
	_, c = simulate(t, simulator.Config{Faults: []simulator.Fault{
		{Route: "POST /v1/batches", Action: simulator.ActionFail, Status: http.StatusRequestEntityTooLarge}, // in HTML
	}})
	file, err := c.Upload(t.Context(), spec("tag"), rows(chat("a")))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Create(t.Context(), spec("tag"), file, nil)
	if !errors.Is(err, sink.ErrTooLarge) || retry.ClassOf(err) != retry.Permanent {
		t.Errorf("create: %v", err)
	}
}

func TestFileThatIsGoneSaysSo(t *testing.T) {
	// OpenAI finds out when it validates the batch.
	_, c := simulate(t, simulator.Config{})
	batch, err := c.Create(t.Context(), spec("tag"), "file-gone", nil)
	if err != nil {
		t.Fatal(err)
	}
	if s := await(t, c, sink.Handle{Batch: batch}, "failed"); s.Err == nil || s.Err.Class != retry.Retryable || !errors.Is(s.Err, sink.ErrFileGone) {
		t.Errorf("validation: %+v", s.Err)
	}
	// Others when it is created.
	c = handle(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	_, err = c.Create(t.Context(), spec("tag"), "file-gone", nil)
	if !errors.Is(err, sink.ErrFileGone) || retry.ClassOf(err) != retry.Retryable {
		t.Errorf("creation: %v", err)
	}
}

// A creation is refused for good only in words of the provider about the batch.
func TestWhatARefusedCreationMeans(t *testing.T) {
	for body, want := range map[string]struct {
		status int
		class  retry.Class
		cause  error
	}{
		`{"error":{"message":"Cannot find file","param":"file_id","code":"invalid_request"}}`: {400, retry.Retryable, sink.ErrNotYet},
		`{"error":{"message":"Input file not found","type":"invalid_request_error"}}`:         {404, retry.Retryable, sink.ErrNotYet},
		`{"error":{"message":"no such model","code":"model_not_found"}}`:                      {404, retry.Permanent, nil},
		`{"error":{"message":"no such endpoint","param":"endpoint","code":"invalid_value"}}`:  {400, retry.Permanent, nil},
		`{"error":{"message":"Limit: 10 enqueued tokens","code":"token_limit_exceeded"}}`:     {400, retry.Retryable, sink.ErrFull},
		`{"error":{"message":"Limit: 11 enqueued tokens","code":"token_limit_exceeded"}}`:     {429, retry.Retryable, sink.ErrFull},
		`{"error":{"message":"you have to pay first","code":"billing_not_active"}}`:           {400, retry.Blocked, nil},
		`<html>moved</html>`: {302, retry.Retryable, sink.ErrNotYet},
		`<html>gone</html>`:  {410, retry.Retryable, sink.ErrNotYet},
		``:                   {405, retry.Retryable, sink.ErrNotYet},
		`<html>bad</html>`:   {400, retry.Permanent, nil},
	} {
		c := handle(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				w.WriteHeader(want.status)
				_, _ = w.Write([]byte(body))
				return
			}
			_, _ = w.Write([]byte(`{"id":"file-there"}`))
		})
		_, err := c.Create(t.Context(), spec("tag"), "file-there", nil)
		if retry.ClassOf(err) != want.class || want.cause != nil && !errors.Is(err, want.cause) {
			t.Errorf("%d %s: %v", want.status, body, err)
		}
	}
}

// A batch may stop in a status that nobody knows, with results.
func TestResultsOfABatchThatHasNotEnded(t *testing.T) {
	for status, lines := range map[string]int{
		`{"status":"halted","output_file_id":"out"}`: 1,
		`{"status":"in_progress"}`:                   0,
	} {
		c := canned(t, map[string]string{"/v1/batches/b": status, "/v1/files/out/content": result("a", "1")})
		n, last := 0, error(nil)
		for o, err := range c.Results(t.Context(), one) {
			if last = err; err == nil && o.ID == "a" {
				n++
			}
		}
		if n != lines || !errors.Is(last, sink.ErrNotEnded) || retry.ClassOf(last) != retry.Retryable {
			t.Errorf("%s: %d outcomes, then %v", status, n, last)
		}
	}
}

func TestASuccessComesBeforeWhatValidationSaysOfTheRow(t *testing.T) {
	c := canned(t, map[string]string{
		"/v1/batches/b":         `{"status":"failed","output_file_id":"out","errors":{"data":[{"code":"odd","line":1}]}}`,
		"/v1/files/out/content": result("a", "1"),
	})
	var order []string
	for o, err := range c.Results(t.Context(), one) {
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, o.ID)
	}
	if len(order) != 2 || order[0] != "a" {
		t.Errorf("order %q", order)
	}
}
