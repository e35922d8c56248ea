package gemini_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/gemini"
)

// described are the headers that are part of what is asked.
var described = []string{
	"Content-Type", "X-Goog-Api-Key", "X-Goog-Upload-Command", "X-Goog-Upload-Header-Content-Length",
	"X-Goog-Upload-Header-Content-Type", "X-Goog-Upload-Offset", "X-Goog-Upload-Protocol",
}

// The golden file is what Google's own client for Go, version 1.77.0, sends for
// the same calls, but for the type of the uploaded bytes, the announced length,
// which the client for JavaScript sends, and the size of pages.
func TestRequestsAreThoseOfTheOfficialClient(t *testing.T) {
	want, err := os.ReadFile("testdata/requests.golden")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	c, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		describe(t, &got, r)
		reply := `{"name":"batches/b1","done":true,"metadata":{"state":"BATCH_STATE_SUCCEEDED","output":{"responsesFile":"files/batch-b1"}}}`
		switch {
		case r.Header.Get("X-Goog-Upload-Command") == "start":
			w.Header().Set("X-Goog-Upload-Url", "http://"+r.Host+"/upload/v1beta/files?upload_id=u1&upload_protocol=resumable")
		case strings.Contains(r.URL.Path, ":download"):
			reply = `{"key":"row-a",` + answered + `}`
		case r.URL.Path == "/upload/v1beta/files":
			reply = `{"file":{"name":"files/f1"}}`
		case r.URL.Path == "/v1beta/files", r.URL.Path == "/v1beta/batches":
			reply = `{}`
		}
		_, _ = io.WriteString(w, reply)
	}), gemini.Config{})
	everyCall(t, c, func(call string, err error) {
		if err != nil {
			t.Errorf("%s: %v", call, err)
		}
	})
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func describe(t *testing.T, w io.Writer, r *http.Request) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil || len(r.TransferEncoding) > 0 {
		t.Errorf("%s: %v, transfer encoding %v", r.URL, err, r.TransferEncoding)
	}
	fmt.Fprintf(w, "%s %s\n", r.Method, r.URL)
	for _, name := range described {
		if value := r.Header.Get(name); value != "" {
			fmt.Fprintf(w, "%s: %s\n", name, value)
		}
	}
	if len(body) > 0 {
		fmt.Fprintf(w, "%s\n", sorted(body))
	}
	fmt.Fprintln(w)
}

// sorted is JSON in a form that can be compared.
func sorted(body []byte) string {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return strings.TrimSpace(string(body))
	}
	text, _ := json.Marshal(v)
	return string(text)
}

// TestBodiesAreTheRecordedOnes compares with the recordings themselves, which
// are not part of the module.
func TestBodiesAreTheRecordedOnes(t *testing.T) {
	dir := os.Getenv("BALER_RECORDINGS")
	if dir == "" {
		t.Skip("BALER_RECORDINGS does not name the recordings")
	}
	recorded, err := os.ReadFile(dir + "/go-genai.txt")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	c, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.Path+" "+sorted(body))
		_, _ = io.WriteString(w, `{"name":"batches/abc123"}`)
	}), gemini.Config{})
	s := spec("d")
	s.Model = "gemini-3.5-flash"
	row := `{"contents":[{"parts":[{"text":"hi"}],"role":"user"}],"generationConfig":{"responseJsonSchema":{"type":"object"},` +
		`"responseMimeType":"application/json","temperature":0.5},"systemInstruction":{"parts":[{"text":"sys"}],"role":"user"}}`
	_, fromFile := c.Create(t.Context(), s, "files/f1", nil)
	_, inline := c.Create(t.Context(), s, "", func(yield func(sink.Row, error) bool) { _ = yield(sink.Row{ID: "a", Body: []byte(row)}, nil) })
	if fromFile != nil || inline != nil {
		t.Fatal(fromFile, inline)
	}
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^--- #\d+ (POST) (/v1beta/models/\S+) .*\n(?:.+\n)*\n(\{.*)$`).FindAllStringSubmatch(string(recorded), -1) {
		want = append(want, m[1]+" "+m[2]+" "+sorted([]byte(m[3])))
	}
	if len(want) != 2 || !slices.Equal(got, want) {
		t.Errorf("-want +got:\n%s", cmp.Diff(want, got))
	}
}
