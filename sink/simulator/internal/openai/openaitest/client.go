// Package openaitest is a plain client of OpenAI's wire protocol, and input for
// it, with which the tests of the simulator talk to it.
package openaitest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

// Client is a plain client of OpenAI's wire protocol.
type Client struct {
	T    testing.TB
	Base string
	Key  string
	HTTP *http.Client
}

// Start serves a simulator on loopback until the test ends.
func Start(tb testing.TB, cfg simulator.Config) (*simulator.Server, Client) {
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
	return srv, NewClient(tb, srv.URL)
}

// NewClient returns a client of the simulator at url.
func NewClient(tb testing.TB, url string) Client {
	tb.Helper()
	c := Client{T: tb, Base: url, Key: "sk-one", HTTP: &http.Client{Transport: &http.Transport{}}}
	tb.Cleanup(c.HTTP.CloseIdleConnections)
	return c
}

// As returns the same client with another key.
func (c Client) As(key string) Client {
	c.Key = key
	return c
}

// Try sends a request and returns the status and body of the answer.
func (c Client) Try(method, path, contentType string, body io.Reader) (int, []byte, error) {
	c.T.Helper()
	req, err := http.NewRequestWithContext(c.T.Context(), method, c.Base+path, body)
	if err != nil {
		c.T.Fatal(err)
	}
	if c.Key != "" {
		req.Header.Set("Authorization", "Bearer "+c.Key)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// Do is try for a request that must be answered with the given status. The
// answer is decoded into into, unless that is nil.
func (c Client) Do(want int, method, path, body string, into any) {
	c.T.Helper()
	status, answer, err := c.Try(method, path, "application/json", strings.NewReader(body))
	if err != nil {
		c.T.Fatalf("%s %s: %v", method, path, err)
	}
	c.Decode(want, status, answer, into)
}

// Decode fails unless the status is the wanted one, and decodes the answer into
// into, unless that is nil.
func (c Client) Decode(want, status int, answer []byte, into any) {
	c.T.Helper()
	if status != want {
		c.T.Fatalf("status %d, want %d: %s", status, want, answer)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			c.T.Fatalf("%v in %s", err, answer)
		}
	}
}

// Upload uploads an input file.
func (c Client) Upload(content string) File {
	c.T.Helper()
	contentType, body := Form("purpose", "batch", "file", "in.jsonl:"+content)
	status, answer, err := c.Try("POST", "/v1/files", contentType, body)
	if err != nil {
		c.T.Fatal(err)
	}
	var f File
	c.Decode(200, status, answer, &f)
	return f
}

// Create creates a batch of chats from a file.
func (c Client) Create(file string) Batch {
	c.T.Helper()
	var b Batch
	c.Do(200, "POST", "/v1/batches",
		`{"input_file_id":"`+file+`","endpoint":"/v1/chat/completions","completion_window":"24h","metadata":{"run":"r1"}}`, &b)
	return b
}

// Get returns a batch.
func (c Client) Get(id string) (b Batch) {
	c.T.Helper()
	c.Do(200, "GET", "/v1/batches/"+id, "", &b)
	return b
}

// Await polls until the batch has the given status.
func (c Client) Await(id, status string) Batch {
	c.T.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for {
		b := c.Get(id)
		if b.Status == status {
			return b
		}
		switch b.Status {
		case "completed", "failed", "expired", "cancelled":
			c.T.Fatalf("batch is %s, want %s: %+v", b.Status, status, b.Errors.Data)
		}
		select {
		case <-ticker.C:
		case <-c.T.Context().Done():
			c.T.Fatalf("batch is still %s, want %s", b.Status, status)
		}
	}
}

// Download returns the content of a file.
func (c Client) Download(id string) []byte {
	c.T.Helper()
	status, answer, err := c.Try("GET", "/v1/files/"+id+"/content", "", nil)
	if err != nil {
		c.T.Fatal(err)
	}
	c.Decode(200, status, answer, nil)
	return answer
}

// Discard downloads a file and forgets it.
func (c Client) Discard(id string) {
	c.T.Helper()
	req, err := http.NewRequestWithContext(c.T.Context(), "GET", c.Base+"/v1/files/"+id+"/content", http.NoBody)
	if err != nil {
		c.T.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Key)
	resp, err := c.HTTP.Do(req)
	if err != nil {
		c.T.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
		c.T.Fatalf("download: status %d: %v", resp.StatusCode, err)
	}
}

// Lines downloads a result file.
func (c Client) Lines(id string) (lines []ResultLine) {
	c.T.Helper()
	decoder := json.NewDecoder(bytes.NewReader(c.Download(id)))
	for decoder.More() {
		var l ResultLine
		if err := decoder.Decode(&l); err != nil {
			c.T.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}

// ByID returns result lines by their custom_id, which may occur only once.
func (c Client) ByID(lines []ResultLine) map[string]ResultLine {
	c.T.Helper()
	m := make(map[string]ResultLine, len(lines))
	for _, l := range lines {
		if _, twice := m[l.CustomID]; twice {
			c.T.Fatalf("custom_id %s occurs twice", l.CustomID)
		}
		m[l.CustomID] = l
	}
	return m
}
