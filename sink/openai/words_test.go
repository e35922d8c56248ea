package openai_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/openai"
)

// hostile is what a provider may put into any text: it clears a terminal,
// forges a line, turns the direction of what follows, and is long.
var hostile = `\u001b[2J\u001b]0;x\u0007\nbaler: all is well\u009b1A\u202e\u200b` + strings.Repeat("x", 100_000)

func wantPrintable(t *testing.T, what, text string) {
	t.Helper()
	if len(text) > 10_000 {
		t.Errorf("%s has %d bytes", what, len(text))
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			t.Errorf("%s holds %U: %.200q", what, r, text)
			return
		}
	}
	if !strings.Contains(text, `\x1b[2j`) && !strings.Contains(text, `\x1b[2J`) {
		t.Errorf("%s does not tell what the provider said: %.200q", what, text)
	}
}

func TestErrorsOfTheProviderArePrintable(t *testing.T) {
	for name, body := range map[string]string{
		"message": `{"error":{"message":"` + hostile + `"}}`,
		"code":    `{"error":{"message":"m","code":"` + hostile + `"}}`,
		"type":    `{"error":{"message":"m","type":"` + hostile + `"}}`,
		"status":  `{"error":{"message":"m","status":"` + hostile + `"}}`,
		"flat":    `{"message":"` + hostile + `"}`,
		"words":   `{"error":"` + hostile + `"}`,
		"detail":  `{"detail":"` + hostile + `"}`,
		"raw":     `{"detail":[{"msg":"` + hostile + `"}]}`,
		"reason":  `{"error":{"details":{"error_code":"` + hostile + `"}}}`,
		"request": `{"request_id":"` + hostile + `","error":{"message":"` + hostile + `"}}`,
	} {
		body = strings.ReplaceAll(body, strings.Repeat("x", 100_000), strings.Repeat("x", 1000)) // 4 KiB are read
		c := handle(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(body))
		})
		_, err := c.Status(t.Context(), one)
		if e, ok := errors.AsType[*retry.Error](err); !ok || e.RequestID != "" && strings.ContainsFunc(e.RequestID, unicode.IsControl) {
			t.Errorf("%s: %#v", name, err)
		}
		if name == "raw" { // JSON is quoted as it is written
			if strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Errorf("%q", err)
			}
			continue
		}
		wantPrintable(t, name, err.Error())
	}
}

func TestHeadersInErrorsArePrintable(t *testing.T) {
	c := handle(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "\u009b2J\u202e"+strings.Repeat("y", 100_000))
		w.WriteHeader(http.StatusBadRequest)
	})
	_, err := c.Status(t.Context(), one)
	e, ok := errors.AsType[*retry.Error](err)
	if !ok || len(e.RequestID) > 5000 || !strings.HasPrefix(e.RequestID, `\x9b2J\u202e`) {
		t.Errorf("%#v", err)
	}
}

func TestWordsOfABatchArePrintable(t *testing.T) {
	c := canned(t, map[string]string{"/v1/batches/b": `{"status":"` + hostile + `"}`})
	s, err := c.Status(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	wantPrintable(t, "phase", s.Phase)
	for _, field := range []string{"code", "message", "param"} {
		c := canned(t, map[string]string{"/v1/batches/b": `{"status":"failed","errors":{"data":[{"line":1,"` + field + `":"` + hostile + `"}]}}`})
		s, err := c.Status(t.Context(), one)
		if err != nil || s.Err == nil {
			t.Fatal(s, err)
		}
		wantPrintable(t, field, s.Err.Error())
		wantPrintable(t, field+" of a row", outcomes(t, c, one)[1].Err.Error())
	}
}

func TestWordsAboutARowArePrintable(t *testing.T) {
	for name, line := range map[string]string{
		"code":     `"response":null,"error":{"code":"` + hostile + `","message":"m"}`,
		"message":  `"response":null,"error":{"code":"c","message":"` + hostile + `"}`,
		"body":     `"response":{"status_code":400,"body":{"error":{"message":"` + hostile + `"}}},"error":null`,
		"response": `"response":{"status_code":200,"body":{"object":"response","status":"failed","error":{"code":"c","message":"` + hostile + `"}}},"error":null`,
	} {
		got := outcomes(t, results(t, `{"custom_id":"r",`+line+"}\n"), one)
		if got["r"].Err == nil {
			t.Fatalf("%s: %+v", name, got)
		}
		wantPrintable(t, name, got["r"].Err.Error())
	}
	for _, o := range outcomes(t, results(t, result("a", "1")+"\n\x1b[2J\u202e{\n"), one) {
		if o.ID == "" && (o.Err == nil || strings.ContainsFunc(o.Err.Error(), func(r rune) bool { return !unicode.IsPrint(r) })) {
			t.Errorf("unreadable: %+v", o)
		}
	}
}

// results serves one batch that has ended, with these results.
func results(t *testing.T, file string) *openai.Client {
	t.Helper()
	return canned(t, map[string]string{
		"/v1/batches/b":       fmt.Sprintf(`{"id":"b","status":"completed","output_file_id":"f","request_counts":{"total":1,"completed":%d}}`, strings.Count(file, "\n")),
		"/v1/files/f/content": file,
	})
}
