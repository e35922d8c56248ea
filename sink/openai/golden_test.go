package openai_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
)

// The golden file is what OpenAI's own client for Go, version 3.95.0, sends for
// the same calls, without what it may leave out: headers about itself, and when
// files shall expire. The metadata and the file name are ours.
func TestRequestsAreThoseOfTheOfficialClient(t *testing.T) {
	want, err := os.ReadFile("testdata/requests.golden")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == "/v1/files" {
			_, _ = io.WriteString(w, `{}`) // to look for an earlier upload is our own idea
			return
		}
		describe(t, &got, r)
		_, _ = io.WriteString(w, replies[r.URL.Path])
	}))
	t.Cleanup(server.Close)
	c, err := openai.New("sk-test", openai.Config{BaseURL: server.URL + "/v1", Retry: quick})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	everyCall(t, c)
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

var replies = map[string]string{
	"/v1/files":           `{"id":"file-1"}`,
	"/v1/batches":         `{"id":"batch_1"}`,
	"/v1/batches/batch_1": `{"id":"batch_1","status":"completed","output_file_id":"file-1"}`,
}

// everyCall makes each kind of call once.
func everyCall(t *testing.T, c *openai.Client) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	file, err := c.Upload(t.Context(), spec("in"), rows(chat("a")))
	must(err)
	batch, err := c.Create(t.Context(), spec("in"), file, nil)
	must(err)
	for _, err := range c.Results(t.Context(), sink.Handle{Batch: batch}) { // reads the batch first
		must(err)
	}
	must(c.Cancel(t.Context(), sink.Handle{Batch: batch}))
	must(c.Check(t.Context()))
	must(c.Remove(t.Context(), sink.Handle{File: file}))
}

// describe writes the request without what differs from time to time.
func describe(t *testing.T, w io.Writer, r *http.Request) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil || len(r.TransferEncoding) > 0 {
		t.Errorf("%s: %v, transfer encoding %v", r.URL, err, r.TransferEncoding)
	}
	media, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	fmt.Fprintf(w, "%s %s\nAccept-Encoding: %s\nAuthorization: %s\n",
		r.Method, r.URL, r.Header.Get("Accept-Encoding"), r.Header.Get("Authorization"))
	if r.Header.Get("Content-Length") == fmt.Sprint(len(body)) {
		fmt.Fprintln(w, "Content-Length: of the body")
	}
	switch media {
	case "application/json":
		var v any
		if err := json.Unmarshal(body, &v); err != nil {
			t.Error(err)
		}
		sorted, _ := json.Marshal(v)
		fmt.Fprintf(w, "Content-Type: %s\n%s\n", media, sorted)
	case "multipart/form-data":
		fmt.Fprintf(w, "Content-Type: %s\n%s", media, describeParts(t, multipart.NewReader(bytes.NewReader(body), params["boundary"])))
	}
	fmt.Fprintln(w)
}

// describeParts writes the parts in the order of their names; any will do.
func describeParts(t *testing.T, parts *multipart.Reader) string {
	t.Helper()
	var lines []string
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			slices.Sort(lines)
			return strings.Join(lines, "")
		}
		if err != nil {
			t.Fatal(err)
		}
		line := "part " + part.FormName() + ":"
		for _, name := range []string{"Content-Disposition", "Content-Type"} {
			if value := part.Header[name]; value != nil {
				line += fmt.Sprintf(" %s=%v", name, value)
			}
		}
		if value, _ := io.ReadAll(part); part.FileName() == "" {
			line += " " + string(value)
		}
		lines = append(lines, line+"\n")
	}
}
