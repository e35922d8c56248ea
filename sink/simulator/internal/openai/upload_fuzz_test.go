package openai_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

// FuzzUpload sends any bytes as the body of an upload. What is accepted must
// come back as it was sent.
func FuzzUpload(f *testing.F) {
	sim, err := simulator.New(simulator.Config{Limits: simulator.Limits{UploadBytes: 1 << 10}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = sim.Close() })
	const head = "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\n\r\n"
	f.Add([]byte(head + openaitest.GoodRow + "\r\n--b--\r\n"))
	f.Add([]byte(head + "\r\n--b--\r\n"))
	f.Add([]byte(head + openaitest.GoodRow))
	f.Add([]byte("--b--\r\n"))
	f.Add([]byte("--b\r\n\r\n\r\n--b--"))
	f.Fuzz(func(t *testing.T, body []byte) {
		do := func(method, path string) (int, []byte) {
			r := httptest.NewRequestWithContext(t.Context(), method, path, bytes.NewReader(body))
			r.Header.Set("Authorization", "Bearer sk-fuzz")
			r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
			w := httptest.NewRecorder()
			sim.ServeHTTP(w, r)
			return w.Code, w.Body.Bytes()
		}
		status, answer := do("POST", "/v1/files")
		var file openaitest.File
		if err := json.Unmarshal(answer, &file); err != nil {
			t.Fatalf("%v in %s", err, answer)
		}
		switch status {
		case http.StatusOK:
			_, content := do("GET", "/v1/files/"+file.ID+"/content")
			if int64(len(content)) != file.Bytes || !bytes.Contains(body, content) {
				t.Errorf("got back %q", content)
			}
			do("DELETE", "/v1/files/"+file.ID)
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		default:
			t.Errorf("status %d: %s", status, answer)
		}
	})
}
