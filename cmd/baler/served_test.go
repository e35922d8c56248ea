package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

// serving is "baler serve" in a process, with the address of its OpenAI API.
type serving struct {
	*testing.T
	cmd *exec.Cmd
	url string
}

// serveRoute starts it. It is killed in the end.
func serveRoute(t *testing.T, dir string, server *simulator.Server, route string) *serving {
	t.Helper()
	return serve(t, dir, server, withKey, "--route", route)
}

func serve(t *testing.T, dir string, server *simulator.Server, env []string, flags ...string) *serving {
	t.Helper()
	env = append([]string{"ANTHROPIC_BASE_URL=" + server.BaseURL("anthropic"), "OPENAI_BASE_URL=" + server.BaseURL("openai")}, env...)
	args := append([]string{"serve", "--addr", "127.0.0.1:0", "--poll", "10ms"}, flags...)
	s := &serving{T: t, cmd: command(t.Context(), t, dir, env, args...)}
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	var found bool
	if _, s.url, found = strings.Cut(strings.TrimSpace(line), "OPENAI_BASE_URL="); err != nil || !found {
		t.Fatalf("%q, %v", line, err)
	}
	return s
}

func (s *serving) kill() {
	_ = s.cmd.Process.Kill() // or it has ended
	_ = s.cmd.Wait()
}

// call makes a call as a program, and returns the answer with its members.
func (s *serving) call(method, path, kind string, body []byte) (text string, members map[string]any) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.url+path, bytes.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer sk-of-the-program")
	r.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	_ = json.Unmarshal(data, &members) // or it is no object
	return string(data), members
}

// batch makes a batch of n chats, and returns its id.
func (s *serving) batch(n int) string {
	s.Helper()
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	_ = parts.WriteField("purpose", "batch")
	file, _ := parts.CreateFormFile("file", "in.jsonl")
	for i := range n {
		fmt.Fprintf(file, `{"custom_id":"row-%d","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4.1","messages":[{"role":"user","content":"ticket number %d"}]}}`+"\n", i, i)
	}
	_ = parts.Close()
	_, uploaded := s.call(http.MethodPost, "/files", parts.FormDataContentType(), form.Bytes())
	text, made := s.call(http.MethodPost, "/batches", "application/json", fmt.Appendf(nil, `{"input_file_id":%q,"endpoint":"/v1/chat/completions","completion_window":"24h"}`, uploaded["id"]))
	id, _ := made["id"].(string)
	if id == "" {
		s.Fatal(text)
	}
	return id
}

// output waits for the end of a batch, and returns its output.
func (s *serving) output(id string) string {
	s.Helper()
	for s.Context().Err() == nil {
		text, b := s.call(http.MethodGet, "/batches/"+id, "", nil)
		switch b["status"] {
		case "validating", "in_progress", "finalizing":
			tick := time.NewTimer(20 * time.Millisecond)
			<-tick.C
			continue
		case "completed":
			output, _ := s.call(http.MethodGet, "/files/"+fmt.Sprint(b["output_file_id"])+"/content", "", nil)
			return output
		}
		s.Fatal(text)
	}
	return ""
}

// A batch of a program goes on when the server is killed, and nothing of it is
// bought twice.
func TestABatchOfAProgramSurvivesAKill(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{Latency: simulator.Latency{Processing: 300 * time.Millisecond}}), t.TempDir()
	s := serveRoute(t, dir, server, "anthropic/claude-test")
	id := s.batch(30)
	for len(server.Batches()) == 0 {
		_, _ = s.call(http.MethodGet, "/batches/"+id, "", nil)
	}
	s.kill()
	s = serveRoute(t, dir, server, "anthropic/claude-test")
	if got := s.output(id); strings.Count(got, `"object":"chat.completion"`) != 30 || !strings.Contains(got, `"model":"claude-test"`) {
		t.Error(got)
	}
	rows := make(map[string]bool)
	for e, err := range server.Executions() {
		if err != nil {
			t.Fatal(err)
		}
		if rows[e.CustomID] {
			t.Errorf("row %s ran twice", e.CustomID)
		}
		rows[e.CustomID] = true
	}
	if len(rows) != 30 {
		t.Errorf("%d rows ran", len(rows))
	}
	s.kill()
	if r := runCommand(t, dir, nil, "status"); r.code != exitOK || !strings.Contains(r.stdout, "batch-") {
		t.Errorf("%+v", r)
	}
}

// A site whose name leads to this machine gets nothing.
func TestBatchesAreForThisMachine(t *testing.T) {
	t.Parallel()
	s := serveRoute(t, t.TempDir(), startSimulator(t, simulator.Config{}), "openai/gpt-test")
	for host, status := range map[string]int{"evil.example": 403, "evil.example:4747": 403, "127.0.0.1.evil.example": 403, "localhost:1": 200, "[::1]": 200, "127.0.0.1": 200} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/batches", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != status {
			t.Errorf("%s: %d, want %d", host, resp.StatusCode, status)
		}
	}
}

// A live route answers batches, too.
func TestALiveRouteAnswersBatches(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	s := serveRoute(t, dir, server, "openai/gpt-test,live")
	first, second := s.batch(3), s.batch(2)
	for id, rows := range map[string]int{first: 3, second: 2} {
		if got := s.output(id); strings.Count(got, `"object":"chat.completion"`) != rows {
			t.Error(got)
		}
	}
}
