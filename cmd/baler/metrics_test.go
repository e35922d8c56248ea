package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// scrape reads the metrics at an address as Prometheus does.
func scrape(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v", response.Status, err)
	}
	return string(b)
}

// A run is scraped while it goes on. What it says has the names of the
// conventions, and neither a key nor a payload.
func TestMetricsAreScraped(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, anHour), t.TempDir()
	writeFile(t, dir, "in.jsonl", append(tickets(30), `{"id":"canary-id","text":"canary text"}`)...)
	args := append(runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "gpt-test", "--prompt", "{{.text}}"), "--batch-size", "20", "--metrics", ":0")
	cmd := command(t.Context(), t, dir, withKey, args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	url := ""
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if u, found := strings.CutPrefix(lines.Text(), "metrics at "); found {
			url = u
		}
		if strings.Contains(lines.Text(), "2 batches") {
			break
		}
	}
	if !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatalf("metrics are at %q", url)
	}
	text := scrape(t, url)
	for _, want := range []string{
		`baler_rows{baler_job="in",baler_rows_state="in_batch"} 31`, `baler_rows_read_total{baler_job="in"} 31`, `baler_batches_bought_total{baler_job="in"} 2`,
		`gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="gpt-test"`, `baler_batch_size_bucket{`, `baler_batch_fill_sum{`,
		`baler_flush_reason="size"`, `baler_batch_limit{`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "canary") {
		t.Errorf("a key or a payload is in\n%s", text)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, stderr)
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitResumable {
		t.Errorf("exit code %d", code)
	}
}

func TestMetricsRefusesMistakes(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(3)...)
	for _, address := range []string{"9464", "nowhere.invalid:1", strings.TrimPrefix(server.URL, "http://")} {
		r := runCommand(t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", "--metrics", address)...)
		if r.code != exitUsage || !strings.Contains(r.stderr, "--metrics") {
			t.Errorf("%s: %+v", address, r)
		}
	}
}
