package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

// asProgram makes the test binary run as a program that makes so many calls.
const asProgram = "as-a-program"

// makeCalls makes chats at once, and prints how many were answered.
func makeCalls(number string) int {
	n, _ := strconv.Atoi(number)
	var good atomic.Int64
	var calls sync.WaitGroup
	for k := range n {
		calls.Go(func() {
			body := fmt.Sprintf(`{"model":"gpt-test","messages":[{"role":"user","content":"ticket number %d"}]}`, k)
			r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, os.Getenv("OPENAI_BASE_URL")+"/chat/completions", strings.NewReader(body))
			if err != nil {
				return
			}
			r.Header.Set("Authorization", "Bearer "+os.Getenv("OPENAI_API_KEY"))
			reply, err := http.DefaultClient.Do(r)
			if err != nil {
				return
			}
			defer reply.Body.Close()
			if b, _ := io.ReadAll(reply.Body); strings.Contains(string(b), fmt.Sprintf("ticket number %d\"", k)) {
				good.Add(1)
			}
		})
	}
	calls.Wait()
	fmt.Println(good.Load(), "answers")
	if int(good.Load()) != n {
		return 7
	}
	return 0
}

// ranOnce checks that each of so many rows ran once, and none live.
func ranOnce(t *testing.T, server *simulator.Server, rows int) {
	t.Helper()
	seen := make(map[string]bool)
	for e, err := range server.Executions() {
		if err != nil || e.Live || seen[e.CustomID] {
			t.Errorf("%+v, %v", e, err)
		}
		seen[e.CustomID] = true
	}
	if len(seen) != rows {
		t.Errorf("%d rows ran, want %d", len(seen), rows)
	}
}

// A program whose calls become rows pays for each once: run again, and killed
// in the middle together with the proxy.
func TestExecPaysForWhatIsNew(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{Latency: simulator.Latency{Processing: 300 * time.Millisecond}}), t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := func(ctx context.Context, n string, flags ...string) *exec.Cmd {
		args := append([]string{"exec", "--poll", "20ms", "--batch-window", "50ms"}, flags...)
		return command(ctx, t, dir, append([]string{"OPENAI_BASE_URL=" + server.URL + "/v1"}, withKey...), append(args, "--", self, asProgram, n)...)
	}
	run := func(n string, flags ...string) (stdout, stderr string, code int) {
		var out, told bytes.Buffer
		cmd := program(t.Context(), n, flags...)
		cmd.Stdout, cmd.Stderr = &out, &told
		if exit, is := errors.AsType[*exec.ExitError](cmd.Run()); is {
			code = exit.ExitCode()
		}
		return out.String(), told.String(), code
	}

	out, told, code := run("30", "--dry-run")
	if code != 7 || !strings.Contains(told, "30 calls, 0 answered before, 30 rows in 1 batch") {
		t.Errorf("a dry run: %s, %s, %d", out, told, code)
	}
	ranOnce(t, server, 0)

	out, told, code = run("30")
	if code != 0 || out != "30 answers\n" || !strings.Contains(told, "30 rows in ") {
		t.Errorf("%s, %s, %d", out, told, code)
	}
	ranOnce(t, server, 30)

	killed := program(t.Context(), "60")
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	waitForBatches(t, server, len(server.Batches())+1)
	_ = killed.Process.Kill()
	_ = killed.Wait()

	out, told, code = run("60")
	if code != 0 || out != "60 answers\n" || !strings.Contains(told, "answered at once") {
		t.Errorf("%s, %s, %d", out, told, code)
	}
	ranOnce(t, server, 60)

	// 30, or 60 if the killed process had time to count
	if r := runCommand(t, dir, nil, "status"); r.code != exitOK || !strings.Contains(r.stdout, "0 calls got an answer that was there, 0 shared a row with another call; the price of ") {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, nil, "status", "--json"); r.code != exitOK || !strings.Contains(r.stdout, `0,"shared":0,"saved":0.00,"unpriced":`) {
		t.Errorf("%+v", r)
	}

	err = filepath.WalkDir(filepath.Join(dir, ".baler"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if b, _ := os.ReadFile(path); bytes.Contains(b, []byte("canary")) {
				t.Errorf("%s has the key", path)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// What cannot be served is refused before anything listens.
func TestServeRefusesWhatIsNotSafe(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"BALER_TOKEN":                  {"--addr", "0.0.0.0:0"},
		"needs --provider":             {"--base-url", "http://127.0.0.1:1"},
		"needs --base-url":             {"--provider", "groq"},
		"must be a host and a port":    {"--addr", "here"},
		"must be at least 1":           {"--batch-size", "0"},
		"must be more than 0":          {"--poll", "0s"},
		"--grace must be more than 0":  {"--grace", "0s"},
		"must be one of":               {"--provider", "nobody", "--base-url", "http://127.0.0.1:1"},
		"must look like https://host/": {"--provider", "openai", "--base-url", "there"},
		"must be NAME=PROVIDER/MODEL":  {"--route", "claude"},
		"leave one of them out":        {"--route", "openai/gpt-test", "--dry-run"},
	} {
		cmd := newRoot()
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		cmd.SetArgs(append([]string{"serve", "--state", t.TempDir() + "/state", "--addr", "127.0.0.1:0"}, args...))
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) || exitCode(err) != exitUsage {
			t.Errorf("%s: %v", args, err)
		}
	}
}
