package gemini_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

func TestResumableUpload(t *testing.T) {
	for _, version := range []string{"v1beta", "v1"} {
		inBubble(t, simulator.Config{}, func(a api) {
			start := []string{"X-Goog-Upload-Protocol", "resumable", "X-Goog-Upload-Command", "start", "X-Goog-Upload-Header-Content-Length", "6"}
			_, header, _ := a.send("POST", "/upload/"+version+"/files", `{"file":{"display_name":"in","mimeType":"application/jsonl"}}`, start...)
			session := strings.TrimPrefix(header.Get("X-Goog-Upload-Url"), "http://127.0.0.1")
			if h := header; h.Get("X-Goog-Upload-Status") != "active" || h.Get("X-Goog-Upload-Chunk-Granularity") != "262144" || session == "" {
				t.Fatal(h)
			}
			for _, step := range []struct {
				command, offset, body string
				status                int
				state, received       string
			}{
				{"query", "", "", 200, "active", "0"},
				{"upload", "0", "abc", 200, "active", "3"},
				{"upload", "0", "abc", 400, "", ""},
				{"upload, finalize", "2", "cdef", 400, "", ""},
				{"query", "", "", 200, "active", "3"},
				{"finalize", "", "", 400, "", ""},
				{"dance", "", "", 400, "", ""},
				{"upload, finalize", "3", "def", 200, "final", "6"},
				{"query", "", "", 200, "final", "6"},
				{"upload, finalize", "3", "def", 200, "final", "6"},
			} {
				status, h, text := a.send("POST", session, step.body, "X-Goog-Upload-Command", step.command, "X-Goog-Upload-Offset", step.offset)
				if status != step.status || h.Get("X-Goog-Upload-Status") != step.state || h.Get("X-Goog-Upload-Size-Received") != step.received {
					t.Errorf("%s %s: %d %v %s", step.command, step.offset, status, h, text)
				}
			}
			files := a.do(200, "GET", "/"+version+"/files?pageSize=1", "")
			f := object(files.at("files.0").(map[string]any))
			if f.text("sizeBytes") != "6" || f.text("displayName") != "in" || f.text("state") != "ACTIVE" || f.text("mimeType") != "application/jsonl" ||
				f.text("uri") != "http://127.0.0.1/"+version+"/"+f.text("name") || files.at("nextPageToken") != nil {
				t.Error(files)
			}
			a.do(400, "GET", "/"+version+"/"+f.text("name")+":download?alt=media", "")
			a.after(48 * time.Hour)
			a.do(403, "GET", "/"+version+"/"+f.text("name"), "")
		})
	}
}

func TestUploadsThatAreRefused(t *testing.T) {
	inBubble(t, simulator.Config{Limits: simulator.Limits{UploadBytes: 10}}, func(a api) {
		start := func(body string, headers ...string) string {
			headers = append([]string{"X-Goog-Upload-Protocol", "resumable", "X-Goog-Upload-Command", "start"}, headers...)
			status, header, text := a.send("POST", "/upload/v1beta/files", body, headers...)
			if status == 200 {
				return strings.TrimPrefix(header.Get("X-Goog-Upload-Url"), "http://127.0.0.1")
			}
			return string(text)
		}
		for body, want := range map[string]string{
			`{"file":{"displayname":"x"}}`: "Unknown name", `{"name":"x"}`: "Unknown name", `[]`: "no JSON object",
			`{"file":{"displayName":"` + strings.Repeat("x", 513) + `"}}`: "at most 512",
		} {
			if got := start(body); !strings.Contains(got, want) {
				t.Errorf("%s: %s", body, got)
			}
		}
		if got := start("", "X-Goog-Upload-Header-Content-Length", "11"); !strings.Contains(got, "too large") {
			t.Error(got)
		}
		if got := start("", "X-Goog-Upload-Protocol", "multipart"); !strings.Contains(got, "resumable") {
			t.Error(got)
		}
		long := start("")
		a.do(400, "POST", long, "01234567890", "X-Goog-Upload-Command", "upload, finalize", "X-Goog-Upload-Offset", "0")
		a.do(404, "POST", long, "", "X-Goog-Upload-Command", "query")
		gone := start("")
		a.do(200, "POST", gone, "", "X-Goog-Upload-Command", "cancel")
		a.do(404, "POST", gone, "a", "X-Goog-Upload-Command", "upload, finalize", "X-Goog-Upload-Offset", "0")
		a.do(400, "POST", "/upload/v1beta/files?upload_id=e30", "", "X-Goog-Upload-Command", "query")
		if files := a.do(200, "GET", "/v1beta/files", ""); len(files) != 0 {
			t.Error(files)
		}
	})
}

// The client for Python sends the content without a key: that it knows the URL
// is enough. The key is not to be seen in there.
func TestTheURLOfAnUploadIsEnough(t *testing.T) {
	inBubble(t, simulator.Config{Keys: []string{"k"}}, func(a api) {
		_, header, _ := a.send("POST", "/upload/v1beta/files", "", "X-Goog-Upload-Protocol", "resumable", "X-Goog-Upload-Command", "start")
		session := strings.TrimPrefix(header.Get("X-Goog-Upload-Url"), "http://127.0.0.1")
		id, _ := url.Parse(session)
		if text, err := base64.RawURLEncoding.DecodeString(id.Query().Get("upload_id")); err != nil || strings.Contains(string(text), `"key":"k"`) || strings.Contains(string(text), `"key":"aw=="`) {
			t.Errorf("%s, %v", text, err)
		}
		without := []string{"X-Goog-Api-Key", "", "X-Goog-Upload-Command", "upload, finalize", "X-Goog-Upload-Offset", "0"}
		for path, want := range map[string]int{session: 200, "/upload/v1beta/files": 403, "/upload/v1beta/files?upload_id=e30": 403} {
			if status, _, text := a.send("POST", path, "abc", without...); status != want {
				t.Errorf("%s: %d %s", path, status, text)
			}
		}
		if files := a.do(200, "GET", "/v1beta/files", ""); len(files.at("files").([]any)) != 1 {
			t.Error(files)
		}
	})
}
