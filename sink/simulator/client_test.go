package simulator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

// client is a plain client of OpenAI's wire protocol.
type client struct {
	t    testing.TB
	base string
	key  string
	http *http.Client
}

// start serves a simulator on loopback until the test ends.
func start(tb testing.TB, cfg simulator.Config) (*simulator.Server, client) {
	tb.Helper()
	srv, err := simulator.Start("", cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := srv.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	return srv, newClient(tb, srv.URL)
}

func newClient(tb testing.TB, url string) client {
	tb.Helper()
	c := client{t: tb, base: url, key: "sk-one", http: &http.Client{Transport: &http.Transport{}}}
	tb.Cleanup(c.http.CloseIdleConnections)
	return c
}

// as returns the same client with another key.
func (c client) as(key string) client {
	c.key = key
	return c
}

// try sends a request and returns the status and body of the answer.
func (c client) try(method, path, contentType string, body io.Reader) (int, []byte, error) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// do is try for a request that must be answered with the given status. The
// answer is decoded into into, unless that is nil.
func (c client) do(want int, method, path, body string, into any) {
	c.t.Helper()
	status, answer, err := c.try(method, path, "application/json", strings.NewReader(body))
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	c.decode(want, status, answer, into)
}

func (c client) decode(want, status int, answer []byte, into any) {
	c.t.Helper()
	if status != want {
		c.t.Fatalf("status %d, want %d: %s", status, want, answer)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			c.t.Fatalf("%v in %s", err, answer)
		}
	}
}

type fileObject struct {
	ID, Object, Filename, Purpose, Status string
	Bytes                                 int64
	CreatedAt                             int64  `json:"created_at"`
	ExpiresAt                             *int64 `json:"expires_at"`
}

type batchObject struct {
	ID, Object, Status, Endpoint, Model string
	InputFileID                         string `json:"input_file_id"`
	OutputFileID                        string `json:"output_file_id"`
	ErrorFileID                         string `json:"error_file_id"`
	CreatedAt                           int64  `json:"created_at"`
	InProgressAt                        int64  `json:"in_progress_at"`
	ExpiresAt                           int64  `json:"expires_at"`
	CompletedAt                         int64  `json:"completed_at"`
	ExpiredAt                           int64  `json:"expired_at"`
	FailedAt                            int64  `json:"failed_at"`
	CancellingAt                        int64  `json:"cancelling_at"`
	CancelledAt                         int64  `json:"cancelled_at"`
	Metadata                            map[string]string
	Errors                              struct{ Data []lineError }
	RequestCounts                       counts `json:"request_counts"`
	Usage                               struct {
		InputTokens  int64 `json:"input_tokens"`
		OutputTokens int64 `json:"output_tokens"`
		TotalTokens  int64 `json:"total_tokens"`
	}
}

type counts struct{ Total, Completed, Failed int }

type lineError struct {
	Code, Message string
	Param         *string
	Line          *int
}

type apiError struct {
	Error struct{ Message, Type, Param, Code string }
}

type page[T any] struct {
	Object  string
	Data    []T
	FirstID string `json:"first_id"`
	LastID  string `json:"last_id"`
	HasMore bool   `json:"has_more"`
}

// form is a multipart upload: name, value, name, value. The part named file is
// the content of a file with the name that stands before a colon.
func form(pairs ...string) (contentType string, body *bytes.Buffer) {
	body = new(bytes.Buffer)
	w := multipart.NewWriter(body)
	for i := 0; i < len(pairs); i += 2 {
		name, value := pairs[i], pairs[i+1]
		if name != "file" {
			_ = w.WriteField(name, value)
			continue
		}
		filename, content, _ := strings.Cut(value, ":")
		part, _ := w.CreateFormFile("file", filename)
		_, _ = io.WriteString(part, content)
	}
	_ = w.Close()
	return w.FormDataContentType(), body
}

func (c client) upload(content string) fileObject {
	c.t.Helper()
	contentType, body := form("purpose", "batch", "file", "in.jsonl:"+content)
	status, answer, err := c.try("POST", "/v1/files", contentType, body)
	if err != nil {
		c.t.Fatal(err)
	}
	var f fileObject
	c.decode(200, status, answer, &f)
	return f
}

func (c client) create(file string) batchObject {
	c.t.Helper()
	var b batchObject
	c.do(200, "POST", "/v1/batches",
		`{"input_file_id":"`+file+`","endpoint":"/v1/chat/completions","completion_window":"24h","metadata":{"run":"r1"}}`, &b)
	return b
}

func (c client) get(id string) (b batchObject) {
	c.t.Helper()
	c.do(200, "GET", "/v1/batches/"+id, "", &b)
	return b
}

// await polls until the batch has the given status.
func (c client) await(id, status string) batchObject {
	c.t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for {
		b := c.get(id)
		if b.Status == status {
			return b
		}
		switch b.Status {
		case "completed", "failed", "expired", "cancelled":
			c.t.Fatalf("batch is %s, want %s: %+v", b.Status, status, b.Errors.Data)
		}
		select {
		case <-ticker.C:
		case <-c.t.Context().Done():
			c.t.Fatalf("batch is still %s, want %s", b.Status, status)
		}
	}
}

type resultLine struct {
	ID       string
	CustomID string `json:"custom_id"`
	Response *struct {
		StatusCode int    `json:"status_code"`
		RequestID  string `json:"request_id"`
		Body       struct {
			Choices []struct {
				FinishReason string `json:"finish_reason"`
				Message      struct{ Content, Refusal string }
			}
			Error struct{ Code, Message, Type string }
		}
	}
	Error *struct{ Code, Message string }
}

func (c client) download(id string) []byte {
	c.t.Helper()
	status, answer, err := c.try("GET", "/v1/files/"+id+"/content", "", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.decode(200, status, answer, nil)
	return answer
}

// discard downloads a file and forgets it.
func (c client) discard(id string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), "GET", c.base+"/v1/files/"+id+"/content", http.NoBody)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
		c.t.Fatalf("download: status %d: %v", resp.StatusCode, err)
	}
}

// lines downloads a result file.
func (c client) lines(id string) (lines []resultLine) {
	c.t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(c.download(id)))
	for decoder.More() {
		var l resultLine
		if err := decoder.Decode(&l); err != nil {
			c.t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}

// byID returns result lines by their custom_id, which may occur only once.
func (c client) byID(lines []resultLine) map[string]resultLine {
	c.t.Helper()
	m := make(map[string]resultLine, len(lines))
	for _, l := range lines {
		if _, twice := m[l.CustomID]; twice {
			c.t.Fatalf("custom_id %s occurs twice", l.CustomID)
		}
		m[l.CustomID] = l
	}
	return m
}

// chats is an input file with a row for each prompt: row-0, row-1 and so on.
func chats(prompts ...string) string {
	var b strings.Builder
	for i, prompt := range prompts {
		content, _ := json.Marshal(prompt)
		fmt.Fprintf(&b, `{"custom_id":"row-%d","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-sim",`+
			`"messages":[{"role":"system","content":"Sort tickets."},{"role":"user","content":%s}]}}`+"\n", i, content)
	}
	return b.String()
}

// many is an input file with n rows.
func many(n int) string {
	prompts := make([]string, n)
	for i := range prompts {
		prompts[i] = fmt.Sprintf("Ticket %d: my parcel did not arrive", i)
	}
	return chats(prompts...)
}
