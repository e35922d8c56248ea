package batchapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/balerhq/baler/internal/segment"
)

// isCallers reports whether an error is one of the caller, which tells what is
// wrong.
func isCallers(err error) bool {
	said, ok := errors.AsType[*apiError](err)
	return ok && said.status >= http.StatusBadRequest && said.status < http.StatusInternalServerError && said.message != ""
}

// Whatever a creation says, it is a batch with all that it needs, within
// OpenAI's limits, or the caller is told what is wrong.
func FuzzCreation(f *testing.F) {
	const whole = `{"input_file_id":"file-1","endpoint":"/v1/responses","completion_window":"24h"`
	for _, seed := range []string{
		"", "null", "[]", "{}", whole + "}", whole + `,"metadata":null}`, whole + `,"metadata":{"a":"b","":"","c":1}}`,
		whole + `,"metadata":{"a":"` + strings.Repeat("x", 513) + `"}}`, whole + `} x`, whole + `,"output_expires_after":{}}`,
		whole + `,"output_expires_after":{"anchor":"created_at","seconds":3600}}`, whole + `,"output_expires_after":{"anchor":"created_at","seconds":"36e2"}}`,
		strings.Replace(whole, "24h", "1h", 1) + "}", whole + `,"Endpoint":"","endpoint":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := readCreation(bytes.NewReader(data), DefaultKeep)
		if err != nil {
			if !isCallers(err) {
				t.Errorf("%v", err)
			}
			return
		}
		if r.Input == "" || r.Endpoint == "" || r.Window != "24h" || r.Protocol != OpenAI || r.Status != validating || len(r.Metadata) > 16 {
			t.Errorf("%+v", r)
		}
		for key, value := range r.Metadata {
			if utf8.RuneCountInString(key) > 64 || utf8.RuneCountInString(value) > 512 {
				t.Errorf("%q: %q", key, value)
			}
		}
		if r.OutputKeep < time.Hour || r.OutputKeep > 30*24*time.Hour {
			t.Errorf("its results are kept for %s", r.OutputKeep)
		}
	})
}

// Whatever the body of a creation of Anthropic's says, its requests are lines
// that a run can read, each with an id of its own and the params as they came,
// or the caller is told what is wrong.
func FuzzRequests(f *testing.F) {
	for _, seed := range []string{
		"", "null", `{}`, `{"requests":[]}`, `{"requests":[{"custom_id":"a","params":{"model":"m"}}]}`,
		`{"requests":[{"custom_id":"a","params":{}},{"custom_id":"a","params":{}}]}`, `{"requests":[{"custom_id":"a b","params":{}}]}`,
		`{"requests":[{"custom_id":"a","params":[]}]}`, `{"requests":[{"custom_id":"a","params":{"x":1,"x":2}}]}`,
		`{"requests":[{"custom_id":"a","params": {"x":"\ud800 < \u2028"} }],"more":1}`, `{"requests":[{"custom_id":"a","params":{}}]} {}`,
		`{"requests":[{"custom_id":"a","params":{}}],"requests":[{"custom_id":"b","params":{}}]}`, "{\"requests\":[{\"custom_id\":\"a\",\"params\":{\n\"x\":\n1}}]}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 1 << 10
		var out bytes.Buffer
		rows, err := writeRequests(&out, bytes.NewReader(data), most)
		if err != nil {
			if !isCallers(err) {
				t.Errorf("%v", err)
			}
			return
		}
		if lines := bytes.Count(out.Bytes(), []byte("\n")); rows != lines || rows == 0 || !json.Valid(data) {
			t.Fatalf("%d rows in %d lines", rows, lines)
		}
		seen := make(map[string]bool)
		for line := range bytes.Lines(out.Bytes()) {
			var r row
			if err := json.Unmarshal(line, &r); err != nil || len(line) > most+1 || !customID.MatchString(r.CustomID) || seen[r.CustomID] || r.URL != messagesEndpoint {
				t.Errorf("%s: %v", line, err)
			}
			seen[r.CustomID] = true
			var body map[string]any
			if json.Unmarshal(r.Body, &body) != nil || body == nil {
				t.Errorf("%s", line)
			}
		}
	})
}

// Whatever the parts of an upload are, it is a file of the size that is on the
// disk, and no larger than allowed, or the caller is told what is wrong. Nothing
// else stays on the disk.
func FuzzUpload(f *testing.F) {
	const boundary, most = "b", 64
	part := func(head, body string) string {
		return "--b\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n"
	}
	purpose, data := part(`name="purpose"`, "batch"), part(`name="file"; filename="in.jsonl"`, "{}\n")
	for _, seed := range []string{
		"", "--b--", purpose + data + "--b--\r\n", data + purpose + "--b--\r\n", purpose + data, purpose + data + data + "--b--\r\n", purpose + "--b--\r\n",
		data + "--b--\r\n", purpose + part(`name="other"`, "") + "--b--\r\n", part(`name="purpose"`, "fine-tune") + data + "--b--\r\n",
		purpose + part(`name="file"; filename="../x"`, strings.Repeat("x", most+1)) + "--b--\r\n", purpose + part(`name="file`, "{}") + "--b--\r\n",
		purpose + data + part(`name="expires_after[anchor]"`, "created_at") + part(`name="expires_after[seconds]"`, "3600") + "--b--\r\n",
		purpose + "--b\r\n\r\n\r\n--b--\r\n", purpose + "--b\r\n" + strings.Repeat("x: y\r\n", 20) + "\r\n\r\n--b--\r\n",
	} {
		f.Add([]byte(seed))
	}
	root, err := os.OpenRoot(f.TempDir())
	if err == nil {
		err = segment.MkdirAll(root, filesDir)
	}
	if err != nil {
		f.Fatal(err)
	}
	defer root.Close()
	s := &Server{cfg: Config{MaxUpload: most, Keep: DefaultKeep}, root: root}
	f.Fuzz(func(t *testing.T, data []byte) {
		u := upload{file: file{ID: newID("file-"), Created: time.Now()}}
		err := u.receive(s, multipart.NewReader(bytes.NewReader(data), boundary))
		if err == nil {
			err = u.check(s.cfg.Keep)
		}
		switch {
		case err != nil && !isCallers(err):
			t.Errorf("%v", err)
		case err == nil:
			info, err := root.Stat(content(u.ID))
			if err != nil || info.Size() != u.Bytes || u.Bytes > most || u.Purpose != purposeBatch || !u.Expires.After(u.Created) {
				t.Errorf("%+v, %v", u, err)
			}
		}
		if err := s.drop(content(u.ID)); err != nil {
			t.Error(err)
		}
		if left, err := fs.Glob(root.FS(), filesDir+"/*"); err != nil || len(left) > 0 {
			t.Errorf("%q, %v", left, err)
		}
	})
}
