package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

// ask is a run whose output is yet to be named.
func ask(server *simulator.Server, out string, args ...string) []string {
	return append(runArgs(server, "in.jsonl", "--out", out, "--model", "m", "--prompt", "{{.text}}"), args...)
}

// Standard output holds the results and nothing else, by whatever name.
func TestResultsAloneOnStandardOutput(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
			writeFile(t, dir, "in.jsonl", tickets(150)...)
			r := runCommand(t, dir, withKey, ask(server, name)...) // to a pipe
			if r.code != exitOK || strings.Count(r.stdout, "\n") != 150 || strings.Count(r.stdout, `{"id":"t-`) != 150 {
				t.Errorf("exit code %d, %d lines: %s", r.code, strings.Count(r.stdout, "\n"), r.stderr)
			}
			if !strings.Contains(r.stderr, "succeeded") {
				t.Errorf("no summary on standard error: %s", r.stderr)
			}
			if left, err := filepath.Glob(filepath.Join(dir, "-*")); len(left) > 0 || err != nil {
				t.Errorf("there is a file %q, %v", left, err)
			}
			r = runCommand(t, dir, withKey, ask(server, name)...)
			if r.code != exitOK || r.stdout != "" {
				t.Errorf("what was delivered comes again: %d, %q", r.code, r.stdout)
			}
		})
	}
}

func TestStandardOutputIsAFile(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(150)...)
	out, err := os.Create(filepath.Join(dir, "out.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := command(t.Context(), t, dir, withKey, ask(server, "/dev/stdout")...)
	cmd.Stdout = out
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if n := len(readResults(t, out.Name())); n != 150 {
		t.Errorf("%d results", n)
	}
}

func TestADeviceAndANamedPipe(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(5)...)
	if r := runCommand(t, dir, withKey, ask(server, os.DevNull)...); r.code != exitOK || !r.says("succeeded 5") {
		t.Errorf("%+v", r)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := runCommand(t, dir, withKey, ask(server, "pipe", "--name", "piped", "--no-cache")...); r.code != exitUsage || !strings.Contains(r.stderr, "nobody reads") {
		t.Errorf("%+v", r)
	}
	reader, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	r := runCommand(t, dir, withKey, ask(server, "pipe", "--name", "piped", "--no-cache")...)
	got := make([]byte, 1<<16) // as much as a pipe holds
	n, err := reader.Read(got)
	if r.code != exitOK || err != nil || bytes.Count(got[:n], []byte("\n")) != 5 {
		t.Errorf("%+v, %v: %s", r, err, got[:n])
	}
}

// A reader that goes away stops the run, which can go on.
func TestNobodyReadsStandardOutput(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(150)...)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(t.Context(), t, dir, withKey, ask(server, "-")...)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = write, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitResumable || !strings.Contains(stderr.String(), "broken pipe") {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
	if r := runCommand(t, dir, withKey, ask(server, "-")...); r.code != exitOK || strings.Count(r.stdout, "\n") != 150 {
		t.Errorf("it does not go on: %d, %s", r.code, r.stderr)
	}
}

// What cannot be an output is refused while nothing is bought.
func TestRunRefusesBadOutputs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		out  string
		want string
	}{
		"a directory":        {".", "directory"},
		"no directory":       {"none/out.jsonl", "no such file or directory"},
		"the input":          {"./in.jsonl", "is the input"},
		"a link to it":       {"link.jsonl", "is the input"},
		"a hard link to it":  {"hard.jsonl", "is the input"},
		"a symbolic link":    {"other.jsonl", "symbolic link"},
		"in the state":       {".baler/out.jsonl", "state directory"},
		"another's":          {"held.jsonl", "another run writes"},
		"not empty":          {"full.jsonl", "not of this job"},
		"a closed file":      {"/dev/fd/987", "bad file descriptor"},
		"a descriptor to be": {"/dev/fd/x", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
			writeFile(t, dir, "in.jsonl", tickets(5)...)
			writeFile(t, dir, "full.jsonl", "mine")
			writeFile(t, dir, "held.jsonl")
			writeFile(t, dir, "real.jsonl")
			for link, to := range map[string]string{"link.jsonl": "in.jsonl", "other.jsonl": "real.jsonl"} {
				if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Link(filepath.Join(dir, "in.jsonl"), filepath.Join(dir, "hard.jsonl")); err != nil {
				t.Fatal(err)
			}
			held, err := durable.Lines(filepath.Join(dir, "held.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			defer held.Close()
			r := runCommand(t, dir, withKey, ask(server, test.out)...)
			if r.code != exitUsage || !strings.Contains(r.stderr, test.want) || strings.Contains(r.stderr, "run the same command again") {
				t.Errorf("%+v", r)
			}
			if n := len(server.Batches()); n > 0 {
				t.Errorf("%d batches were bought", n)
			}
		})
	}
}

// The results of a run make its output again, to the byte, and it goes on.
func TestALostOutputIsWrittenAgain(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", append(tickets(150), `{"id":"bad","text":"[[400]]"}`)...)
	args := ask(server, "out.jsonl", "--name", "tickets")
	if r := runCommand(t, dir, withKey, args...); r.code != exitFailed {
		t.Fatalf("%+v", r)
	}
	out := filepath.Join(dir, "out.jsonl")
	before, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(out); err != nil {
		t.Fatal(err)
	}
	r := runCommand(t, dir, withKey, args...)
	if r.code != exitUsage || !strings.Contains(r.stderr, "baler results tickets --out "+out) {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, dir, nil, "results", "tickets", "--out", out); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	after, err := os.ReadFile(out)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the output is another: %v", err)
	}
	if r := runCommand(t, dir, withKey, args...); r.code != exitFailed || !r.says("from cache 151") {
		t.Errorf("%+v", r)
	}
}
