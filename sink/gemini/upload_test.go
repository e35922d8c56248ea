package gemini_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/gemini"
)

// uploads is a server of resumable uploads whose first connections break.
type uploads struct {
	url      string // where to upload to; the server's own if ""
	breaks   int    // connections that break after some bytes
	status   string // of an upload that is asked for
	files    string // the list of files
	got      strings.Builder
	commands []string
}

func (u *uploads) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, u.files)
		return
	}
	command := r.Header.Get("X-Goog-Upload-Command")
	u.commands = append(u.commands, command+" "+r.Header.Get("X-Goog-Upload-Offset"))
	switch command {
	case "start":
		u.got.Reset()
		where := u.url
		if where == "" {
			where = "http://" + r.Host
		}
		w.Header().Set("X-Goog-Upload-Url", where+"/upload/v1beta/files?key=leaked&upload_id=u1")
	case "query":
		w.Header().Set("X-Goog-Upload-Status", u.status)
		w.Header().Set("X-Goog-Upload-Size-Received", strconv.Itoa(u.got.Len()))
	default:
		if u.breaks--; u.breaks >= 0 {
			_, _ = io.CopyN(&u.got, r.Body, 10)
			panic(http.ErrAbortHandler)
		}
		_, _ = io.Copy(&u.got, r.Body)
		if r.URL.Query().Get("upload_id") != "u1" || r.URL.Query().Has("key") {
			w.WriteHeader(http.StatusBadRequest)
		}
		fmt.Fprint(w, `{"file":{"name":"files/f1"}}`)
	}
}

const lines = `{"key":"row-a","request":{"contents":[{"parts":[{"text":"a"}],"role":"user"}]}}` + "\n" +
	`{"key":"row-b","request":{"contents":[{"parts":[{"text":"b"}],"role":"user"}]}}` + "\n"

func TestUpload(t *testing.T) {
	known := `{"files":[{"name":7},{"name":"files/f0","displayName":"t.jsonl","sizeBytes":"` + strconv.Itoa(len(lines)) + `","state":"`
	for name, test := range map[string]struct {
		server *uploads
		want   string // the file and the commands
	}{
		"at once":                   {&uploads{}, "files/f1 start :upload, finalize 0"},
		"after a break":             {&uploads{breaks: 1, status: "active"}, "files/f1 start :upload, finalize 0:query :upload, finalize 10"},
		"anew, if that is unclear":  {&uploads{breaks: 1, status: "cancelled"}, "files/f1 start :upload, finalize 0:query :start :upload, finalize 0"},
		"there already":             {&uploads{files: known + `ACTIVE"}]}`}, "files/f0 "},
		"there, and broken":         {&uploads{files: known + `FAILED"}]}`}, "files/f1 start :upload, finalize 0"},
		"of another size":           {&uploads{files: strings.Replace(known, `":"1`, `":"2`, 1) + `ACTIVE"}]}`}, "files/f1 start :upload, finalize 0"},
		"to a path at its own host": {&uploads{url: "http://192.0.2.1"}, "files/f1 start :upload, finalize 0"},
	} {
		if test.server.files == "" {
			test.server.files = "{}"
		}
		c, _ := serve(t, test.server, gemini.Config{})
		file, err := c.Upload(t.Context(), spec("t"), rows(ask("a"), ask("b")))
		if got := file + " " + strings.Join(test.server.commands, ":"); err != nil || got != test.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, test.want)
		}
		if file == "files/f1" && test.server.got.String() != lines {
			t.Errorf("%s: uploaded %q", name, test.server.got.String())
		}
	}
}

func TestANewUploadIsNotLookedFor(t *testing.T) {
	known := `{"files":[{"name":"files/f0","displayName":"t.jsonl","sizeBytes":"` + strconv.Itoa(len(lines)) + `","state":"ACTIVE"}]}`
	c, _ := serve(t, &uploads{files: known}, gemini.Config{})
	fresh := spec("t")
	fresh.New = true
	if file, err := c.Upload(t.Context(), fresh, rows(ask("a"), ask("b"))); file != "files/f1" || err != nil {
		t.Errorf("%q, %v", file, err)
	}
}

// Neither the key nor a row goes to the host that an upload URL names.
func TestUploadsGoToNoOtherHost(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the other host got %s %s with key %q", r.Method, r.URL, r.Header.Get("X-Goog-Api-Key"))
	}))
	t.Cleanup(other.Close)
	c, _ := serve(t, &uploads{url: other.URL, files: "{}", breaks: 1, status: "active"}, gemini.Config{})
	if file, err := c.Upload(t.Context(), spec("t"), rows(ask("a"))); file != "files/f1" || err != nil {
		t.Errorf("%q, %v", file, err)
	}
}

// A base URL may have a path, which upload URLs then have, too.
func TestUploadBelowAPath(t *testing.T) {
	u := &uploads{files: "{}"}
	server := httptest.NewServer(http.StripPrefix("/gemini", u))
	t.Cleanup(server.Close)
	u.url = server.URL + "/gemini"
	c := connect(t, server.URL+"/gemini/", gemini.Config{})
	if file, err := c.Upload(t.Context(), spec("t"), rows(ask("a"))); file != "files/f1" || err != nil {
		t.Errorf("%q, %v", file, err)
	}
}

func TestUploadRefusesWhatNoBatchMayBe(t *testing.T) {
	c, _ := serve(t, answers{}, gemini.Config{Limits: sink.Limits{Rows: 2, Bytes: 100}})
	for name, test := range map[string]struct {
		spec sink.Spec
		rows sink.Rows
		want string
	}{
		"rows":     {spec("t"), rows("{}", "{}", "{}"), "3 rows, and 2 are allowed"},
		"bytes":    {spec("t"), rows(ask(strings.Repeat("x", 100))), "bytes, and 100 are allowed"},
		"endpoint": {sink.Spec{Tag: "t", Endpoint: "/v1/chat/completions", Model: "m"}, rows("{}"), "has no batches: choose"},
		"model":    {sink.Spec{Tag: "t", Endpoint: gemini.EmbedEndpoint}, rows("{}"), "names no model"},
		"path":     {sink.Spec{Tag: "t", Endpoint: gemini.ContentEndpoint, Model: "models/../batches"}, rows("{}"), "cannot be part of a path"},
		"lines":    {spec("t"), rows("{\n}"), "not on one line"},
	} {
		_, err := c.Upload(t.Context(), test.spec, test.rows)
		if err == nil || !strings.Contains(err.Error(), test.want) || retry.ClassOf(err) != retry.Permanent {
			t.Errorf("%s: %v", name, err)
		}
		if isLarge := name == "rows" || name == "bytes"; errors.Is(err, sink.ErrTooLarge) != isLarge {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhyAnUploadIsRefused(t *testing.T) {
	for reply, want := range map[string]error{
		refused("429", "RESOURCE_EXHAUSTED", "You have exceeded the file storage quota of 20 GB."): sink.ErrStorageFull,
		refused("400", "INVALID_ARGUMENT", "The file is too large: 3 bytes, and the limit is 2."):  sink.ErrTooLarge,
		refused("413", "", ""): sink.ErrTooLarge,
	} {
		c, _ := serve(t, answers{"GET /v1beta/files": "{}", "POST /upload/v1beta/files": reply}, gemini.Config{})
		if _, err := c.Upload(t.Context(), spec("t"), rows("{}")); !errors.Is(err, want) {
			t.Errorf("%s: %v", reply, err)
		}
	}
}

// A small batch is sent within its creation.
func TestInline(t *testing.T) {
	want := `{"batch":{"displayName":"t","inputConfig":{"requests":{"requests":[` +
		`{"metadata":{"key":"row-a"},"request":` + ask("a") + `},{"metadata":{"key":"row-b"},"request":` + ask("b") + `}]}}}}`
	var got, path string
	c, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got, path = string(body), r.URL.Path
		_, _ = io.WriteString(w, `{"name":"batches/b"}`)
	}), gemini.Config{InlineBytes: int64(len(want)) + 1})
	two := rows(ask("a"), ask("b"))
	file, err := c.Upload(t.Context(), spec("t"), two)
	if file != "" || err != nil || got != "" {
		t.Fatalf("%q, %v, after %s", file, err, got)
	}
	batch, err := c.Create(t.Context(), sink.Spec{Tag: "t", Endpoint: gemini.EmbedEndpoint, Model: "models/e/1"}, file, two)
	if batch != "batches/b" || err != nil || got != want || path != "/v1beta/models/e/1:asyncBatchEmbedContent" {
		t.Errorf("%q, %v: %s\n%s, want\n%s", batch, err, path, got, want)
	}
	if file, err := c.Upload(t.Context(), spec("t"), rows(ask("a"), ask("bb"))); err == nil {
		t.Errorf("a larger one was not uploaded but %q", file)
	}
}

// Whoever knows the id of an upload session may write to it.
func TestNoErrorNamesTheUploadSession(t *testing.T) {
	for _, server := range []*uploads{{breaks: 99, files: `{}`}, {breaks: 99, status: "active", files: `{}`}} {
		c, _ := serve(t, server, gemini.Config{})
		_, err := c.Upload(t.Context(), spec("t"), rows(ask("a"), ask("b")))
		if err == nil || strings.Contains(err.Error(), "upload_id") || strings.Contains(err.Error(), "u1") {
			t.Error(err)
		}
	}
}
