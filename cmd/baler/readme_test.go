package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

// readmeCommands are the lines of README.md's blocks that call baler, in order.
func readmeCommands(t *testing.T) (commands []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	inBlock, ofCommands := false, false
	for line := range strings.Lines(string(b)) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "```"):
			inBlock = !inBlock
			ofCommands = inBlock && line == "```" // others name their language
		case ofCommands && strings.HasPrefix(line, "baler "):
			commands = append(commands, line)
		}
	}
	return commands
}

// shell is a line of README.md, as a shell takes it; but that runs look at
// their batches more often.
func shell(t *testing.T, dir, url, line string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\nif [ \"$1\" = run ] || [ \"$1\" = retry ]; then set -- \"$@\" --poll 20ms; fi\nexec '" + self + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(bin, "baler"), []byte(script), 0o700); err != nil { //nolint:gosec // to be run
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "exec "+line)
	cmd.Dir = dir
	cmd.Env = append([]string{
		asBaler + "=1", "HOME=" + dir, "PATH=" + bin + ":" + os.Getenv("PATH"), "OPENAI_BASE_URL=" + url + "/v1",
	}, withKey...)
	return cmd
}

// README.md is true to the letter: its commands, one after the other, do what
// it says. Those that reach a run find it under way.
func TestReadme(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, anHour), t.TempDir()
	writeFile(t, dir, "tickets.jsonl", tickets(30)...)
	says := map[string]string{ // what each prints
		"status": "state running", "pause": "paused", "resume": "running", "wait": "state completed", "results": `"id":"t-`,
		"export": "30 requests, 30 answers", "prune": "freed", "cancel": "cancel", "rm": "tickets is removed", "retry": "",
		"plan": "route haiku anthropic", "doctor": "adopted for 30 rows", "status --row": "place in a batch that is not settled", "run --ingest": "nothing is bought",
	}
	var under *process // the run that is under way
	batches := 0
	tried := make(map[string]bool)
	for _, line := range readmeCommands(t) {
		verb := strings.Fields(line)[1]
		want := exitOK
		switch {
		case strings.Contains(line, "status tickets --row"):
			verb = "status --row"
		case strings.HasSuffix(line, "--ingest"):
			verb = "run --ingest"
			loseDirectory(t, server, dir)
		case verb == "run" && tried["run --ingest"]:
			batches = len(server.Batches())
			says["run"] = "succeeded 30"
		case verb == "run":
			batches++
			under = background(t, shell(t, dir, server.URL, line))
			waitForBatches(t, server, batches)
			tried["run"] = true
			continue
		case verb == "retry":
			want = exitUsage // no row has failed
		case verb == "wait":
			if err := server.Advance(2 * time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		cmd := shell(t, dir, server.URL, line)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run() // the exit code tells
		r := result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
		if r.code != want || !r.says(says[verb]) {
			t.Fatalf("%s: %+v", line, r)
		}
		tried[verb] = true
		if verb == "wait" || verb == "cancel" {
			ended := map[string]int{"wait": exitOK, "cancel": exitFailed}[verb]
			if r := under.end(); r.code != ended {
				t.Fatalf("the run, after %s: %+v", line, r)
			}
		}
	}
	for verb := range says {
		if !tried[verb] {
			t.Errorf("README.md does not show %s", verb)
		}
	}
	if len(server.Batches()) != batches {
		t.Errorf("%d batches, %d of them for what was bought already", len(server.Batches()), len(server.Batches())-batches)
	}
	if n := len(readResults(t, filepath.Join(dir, "results.jsonl"))); n != 30 {
		t.Errorf("%d results", n)
	}
}

// loseDirectory buys the input once more, and then loses the directory that
// knows.
func loseDirectory(t *testing.T, server *simulator.Server, dir string) {
	t.Helper()
	run := readmeCommands(t)[0]
	for _, name := range []string{"results.jsonl", ".baler"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	n := len(server.Batches())
	under := background(t, shell(t, dir, server.URL, run))
	waitForBatches(t, server, n+1)
	under.end(os.Interrupt)
	if err := server.Advance(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"results.jsonl", ".baler"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// background starts a command that is killed with the test.
func background(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd}
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed, or has been waited for
	})
	return p
}
