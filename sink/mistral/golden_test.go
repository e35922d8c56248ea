package mistral_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/wire/wiretest"
	"github.com/balerhq/baler/sink/mistral"
)

// The golden file is what Mistral's own client for npm sends for the same
// calls, without what it may leave out: headers about itself, and the
// visibility of files. The metadata and the file name are ours.
func TestRequestsAreThoseOfTheOfficialClient(t *testing.T) {
	want, err := os.ReadFile("testdata/requests.golden")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	c := handle(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == "/v1/files" {
			_, _ = io.WriteString(w, `{"data":[],"object":"list","total":0}`) // to look for an earlier upload is our own idea
			return
		}
		describe(t, &got, r)
		says(map[string]string{
			"/v1/files":                `{"id":"f1"}`,
			"POST /v1/batch/jobs":      `{"id":"b1"}`,
			"GET /v1/batch/jobs":       `{"data":[],"object":"list","total":0}`,
			"/v1/batch/jobs/b1":        `{"id":"b1","status":"SUCCESS","output_file":"f2"}`,
			"/v1/batch/jobs/b1/cancel": `{}`, "/v1/files/f2/content": ``, "/v1/files/f1": `{}`, "/v1/files/f2": `{}`,
		})(w, r)
	}, mistral.Config{})
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
	_, err = c.Create(t.Context(), spec("in"), "", rows(chat("a"), chat("b")))
	must(err)
	for _, err := range c.Results(t.Context(), sink.Handle{Batch: batch}) { // reads the batch first
		must(err)
	}
	must(c.Cancel(t.Context(), sink.Handle{Batch: batch}))
	must(c.Check(t.Context()))
	must(c.Remove(t.Context(), sink.Handle{Batch: batch, File: file}))
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// describe writes the request without what differs from time to time.
func describe(t *testing.T, w io.Writer, r *http.Request) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil || len(r.TransferEncoding) > 0 {
		t.Errorf("%s: %v, transfer encoding %v", r.URL, err, r.TransferEncoding)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	media, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	fmt.Fprintf(w, "%s %s\nAuthorization: %s\n", r.Method, r.URL, strings.ReplaceAll(r.Header.Get("Authorization"), secret, "KEY"))
	if r.Header.Get("Content-Length") == fmt.Sprint(len(body)) {
		fmt.Fprintln(w, "Content-Length: of the body")
	}
	switch media {
	case "application/json":
		fmt.Fprintf(w, "Content-Type: %s\n%s\n", media, sorted(t, body))
	case "multipart/form-data":
		fmt.Fprintf(w, "Content-Type: %s\n%s", media, describeParts(t, multipart.NewReader(bytes.NewReader(body), params["boundary"])))
	}
	fmt.Fprintln(w)
}

// sorted is JSON with its members in order.
func sorted(t *testing.T, body []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Errorf("%s: %v", body, err)
	}
	text, _ := json.Marshal(v)
	return string(text)
}

// describeParts writes the parts in the order of their names; any will do.
func describeParts(t *testing.T, parts *multipart.Reader) string {
	t.Helper()
	var all []string
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			slices.Sort(all)
			return strings.Join(all, "")
		}
		if err != nil {
			t.Fatal(err)
		}
		value, _ := io.ReadAll(part)
		all = append(all, fmt.Sprintf("part %s: %v %s\n", part.FormName(), part.Header["Content-Disposition"], bytes.TrimSpace(value)))
	}
}

// The body of a creation is that of the official client for the same job, but
// for the metadata.
func TestCreationsAreThoseThatWereRecorded(t *testing.T) {
	recorded := wiretest.Recordings(t, "timeout_hours")
	if len(recorded) < 2 {
		t.Fatalf("%d creations are recorded", len(recorded))
	}
	for _, body := range recorded {
		var want struct {
			Files    []string `json:"input_files"`
			Endpoint string   `json:"endpoint"`
			Model    string   `json:"model"`
			Requests []struct {
				ID   string          `json:"custom_id"`
				Body json.RawMessage `json:"body"`
			} `json:"requests"`
		}
		if err := json.Unmarshal([]byte(body), &want); err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		c := handle(t, func(w http.ResponseWriter, r *http.Request) {
			if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(w, `{"id":"b1"}`)
		}, mistral.Config{})
		file := ""
		if len(want.Files) > 0 {
			file = want.Files[0]
		}
		requests := func(yield func(sink.Row, error) bool) {
			for _, r := range want.Requests {
				if !yield(sink.Row{ID: r.ID, Body: r.Body}, nil) {
					return
				}
			}
		}
		if _, err := c.Create(t.Context(), sink.Spec{Tag: "t", Endpoint: want.Endpoint, Model: want.Model}, file, requests); err != nil {
			t.Fatal(err)
		}
		var all map[string]any
		_ = json.Unmarshal([]byte(body), &all)
		delete(all, "metadata")
		delete(got, "metadata")
		if diff := cmp.Diff(all, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}
