package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/internal/memtemp"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/simulator"
)

// asBaler makes the test binary run as the command, in a process of its own.
const asBaler = "BALER_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == asProgram {
		os.Exit(makeCalls(os.Args[2]))
	}
	if os.Getenv(asBaler) != "" {
		code := run()
		if name := os.Getenv(statusFile); name != "" {
			status, _ := os.ReadFile("/proc/self/status") // there is none but on Linux
			_ = os.WriteFile(name, status, 0o600)
		}
		os.Exit(code)
	}
	memtemp.Use()
	// Most tests wait for the processes that they have started.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// statusFile names the variable with the file that gets what the system says of
// the process at its end.
const statusFile = "BALER_TEST_STATUS_FILE"

// command is baler as a process, with nothing but the given environment.
func command(ctx context.Context, t *testing.T, dir string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Dir = dir
	cmd.Env = append([]string{asBaler + "=1", "HOME=" + dir}, env...)
	return cmd
}

// result is how a command ended.
type result struct {
	code           int
	stdout, stderr string
}

// says reports whether the summary has a line, however it is aligned.
func (r result) says(line string) bool {
	return strings.Contains(strings.Join(strings.Fields(r.stdout), " "), line)
}

func runCommand(t *testing.T, dir string, env []string, args ...string) result {
	t.Helper()
	cmd := command(t.Context(), t, dir, env, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

const keyVariable = "OPENAI_API_KEY"

// withKey is an environment with the keys of all providers.
var withKey = allKeys("sk-test-canary")

func allKeys(key string) (env []string) {
	for _, p := range catalog.All() {
		env = append(env, p.Keys[0]+"="+key)
	}
	return env
}

func startSimulator(t *testing.T, cfg simulator.Config) *simulator.Server {
	t.Helper()
	server, err := simulator.Start("", cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func writeFile(t *testing.T, dir, name string, lines ...string) {
	t.Helper()
	content := strings.Join(lines, "\n")
	if len(lines) > 0 {
		content += "\n"
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func tickets(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"id":"t-%d","text":"I was charged twice for order %d"}`, i, i)
	}
	return lines
}

// readResults reads an output by id and fails on a torn or repeated line.
func readResults(t *testing.T, path string) map[string]durable.Result {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]durable.Result)
	for i, line := range strings.SplitAfter(string(b), "\n") {
		if line == "" {
			continue
		}
		var r durable.Result
		if err := json.Unmarshal([]byte(line), &r); err != nil || !strings.HasSuffix(line, "\n") {
			t.Fatalf("line %d is torn: %v: %q", i+1, err, line)
		}
		if _, ok := got[r.ID]; ok {
			t.Fatalf("line %d: id %s comes again", i+1, r.ID)
		}
		got[r.ID] = r
	}
	return got
}
