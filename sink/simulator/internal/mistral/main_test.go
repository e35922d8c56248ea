package mistral_test

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/sink/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	chats  = "/v1/chat/completions"
	aModel = "mistral-small-latest"
)

// caller calls a simulator that plays Mistral.
type caller struct {
	*testing.T
	srv *simulator.Server
	key string
}

// inBubble runs a test in a bubble of fake time, with a simulator in memory.
func inBubble(t *testing.T, cfg simulator.Config, test func(c *caller)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.Provider = "mistral"
		srv, err := simulator.StartPipe(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := srv.Close(); err != nil {
				t.Error(err)
			}
		})
		test(&caller{T: t, srv: srv, key: "one"})
	})
}

// sleep lets fake time pass and everything that is due happen.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// call returns the status, the header and the body of a reply.
func (c *caller) call(method, path, contentType, body string) (int, http.Header, string) {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), method, c.srv.URL+path, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	reply, err := c.srv.Client().Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		c.Fatal(err)
	}
	return reply.StatusCode, reply.Header, string(text)
}

// do decodes the reply of a call that succeeds.
func (c *caller) do(method, path, body string) map[string]any {
	c.Helper()
	status, _, text := c.call(method, path, "application/json", body)
	if status != http.StatusOK {
		c.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		c.Fatalf("%s %s: %v: %s", method, path, err, text)
	}
	return object
}

// refuses fails unless a call has the status and words of the reply.
func (c *caller) refuses(status int, words, method, path, body string) {
	c.Helper()
	got, header, text := c.call(method, path, "application/json", body)
	if got != status || !strings.Contains(text, words) || header.Get("Mistral-Correlation-Id") == "" {
		c.Errorf("%s %s %s: %d %s, want %d %s", method, path, body, got, text, status, words)
	}
}

// form is a form with these fields, and a file if it has content.
func form(t *testing.T, fields map[string]string, name, content string) (contentType, body string) {
	t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for key, value := range fields {
		if err := w.WriteField(key, value); err != nil {
			t.Fatal(err)
		}
	}
	if content != "" {
		part, err := w.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(part, content)
	}
	_ = w.Close()
	return w.FormDataContentType(), buf.String()
}

// upload stores the content of a file for a batch and returns its id.
func (c *caller) upload(content string) string {
	c.Helper()
	contentType, body := form(c.T, map[string]string{"purpose": "batch", "visibility": "workspace"}, "in.jsonl", content)
	status, _, text := c.call("POST", "/v1/files", contentType, body)
	var f struct{ ID string }
	if err := json.Unmarshal([]byte(text), &f); err != nil || status != http.StatusOK {
		c.Fatalf("%d %s", status, text)
	}
	return f.ID
}

// lines are rows of a file that ask these texts.
func lines(texts ...string) string { return strings.Join(requests(texts...), "\n") + "\n" }

func requests(texts ...string) (all []string) {
	for i, text := range texts {
		all = append(all, `{"custom_id":"`+string(rune('a'+i))+`","body":{"messages":[{"role":"user","content":"`+text+`"}]}}`)
	}
	return all
}

// create creates a job of a file and returns its id.
func (c *caller) create(file, more string) string {
	c.Helper()
	return c.do("POST", "/v1/batch/jobs", `{"input_files":["`+file+`"],"endpoint":"`+chats+`","model":"`+aModel+`"`+more+`}`)["id"].(string)
}

// job is the job as it is now.
func (c *caller) job(id string) map[string]any {
	c.Helper()
	return c.do("GET", "/v1/batch/jobs/"+id, "")
}

// want fails unless a job has the status and counts.
func (c *caller) want(id, status string, total, succeeded, failed int) map[string]any {
	c.Helper()
	j := c.job(id)
	for member, want := range map[string]int{
		"total_requests": total, "succeeded_requests": succeeded, "failed_requests": failed, "completed_requests": succeeded + failed,
	} {
		if j[member] != float64(want) {
			c.Errorf("%s is %v, want %d", member, j[member], want)
		}
	}
	if j["status"] != status {
		c.Errorf("the job is %v, want %s", j["status"], status)
	}
	return j
}

// content is that of a file.
func (c *caller) content(id any) string {
	c.Helper()
	status, _, text := c.call("GET", "/v1/files/"+id.(string)+"/content", "", "")
	if status != http.StatusOK {
		c.Fatalf("%d %s", status, text)
	}
	return text
}
