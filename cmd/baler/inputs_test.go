package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

func asking(server *simulator.Server, args ...string) []string {
	return runArgs(server, slices.Concat([]string{"--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}"}, args)...)
}

// Three files are one run, which goes on in the middle of them.
func TestRunReadsSeveralFilesAsOne(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "a.csv", "id,text", "1,one", "2,two")
	writeFile(t, dir, "b.csv", "id;text", "1;eins", ";zwei")
	writeFile(t, dir, "c.jsonl", `{"id":3,"text":"trois"}`, `{"id":4,"text":"fail"}`)
	args := asking(server, "a.csv", "b.csv", "c.jsonl", "--name", "all")
	r := runCommand(t, dir, withKey, args...)
	if r.code != exitUsage || !strings.Contains(r.stderr, "b.csv:2") || !strings.Contains(r.stderr, "at a.csv:2") || !strings.Contains(r.stderr, "--ids-per-file") {
		t.Fatalf("the same id for two rows: %+v", r)
	}
	args = append(args, "--ids-per-file")
	if r := runCommand(t, dir, withKey, append(args, "--ingest")...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, dir, withKey, asking(server, "a.csv", "b.csv", "--name", "all", "--ids-per-file")...); r.code != exitUsage || !strings.Contains(r.stderr, "another input") {
		t.Errorf("another list: %+v", r)
	}
	if r := runCommand(t, dir, withKey, args...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	got := readResults(t, filepath.Join(dir, "out.jsonl"))
	for id, want := range map[string]struct {
		source, text string
		line         int
	}{
		"a.csv:1": {"a.csv", "one", 2}, "a.csv:2": {"a.csv", "two", 3}, "b.csv:1": {"b.csv", "eins", 2},
		"b.csv:line:3": {"b.csv", "zwei", 3}, "c.jsonl:3": {"c.jsonl", "trois", 1}, "c.jsonl:4": {"c.jsonl", "fail", 2},
	} {
		if r := got[id]; !strings.HasSuffix(r.Text, want.text) || r.Source != want.source || r.Line != want.line {
			t.Errorf("%s: %+v, want %+v", id, r, want)
		}
	}
	if len(got) != 6 {
		t.Errorf("%d results of 6", len(got))
	}
}

func TestRunRefusesInputsThatDoNotGoTogether(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "a.csv", "id,text", "1,one")
	for want, args := range map[string][]string{
		"a.csv and ./a.csv are the same input": {"a.csv", "./a.csv"},
		"is a directory":                       {"a.csv", "."},
		"standard input is one of":             {"a.csv", "-"},
		"b.csv: no such file":                  {"a.csv", "b.csv"},
		"--out is the input a.csv":             {"b", "a.csv", "--out", "a.csv"},
		"lacks INPUT":                          {},
	} {
		if slices.Contains(args, "b") {
			writeFile(t, dir, "b", `{"id":"9","text":"x"}`)
		}
		if r := runCommand(t, dir, withKey, asking(server, args...)...); r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%v: %+v", args, r)
		}
	}
}

func TestRunReadsADirectory(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "docs", "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "docs/a.txt", "first")
	writeFile(t, dir, "docs/sub/b.md", "second")
	args := asking(server, "docs", "--prompt", "{{.name}} {{.path}}: {{.text}}")
	if r := runCommand(t, dir, withKey, args...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	got := readResults(t, filepath.Join(dir, "out.jsonl"))
	if len(got) != 2 || !strings.Contains(got["a.txt"].Text, "a.txt docs/a.txt: first") || !strings.Contains(got["sub/b.md"].Text, "b.md docs/sub/b.md: second") {
		t.Errorf("%+v", got)
	}
	writeFile(t, dir, "docs/latin.txt", "Gr\xfc\xdfe")
	r := runCommand(t, dir, withKey, append(args, "--name", "again", "--out", "again.jsonl")...)
	if r.code != exitUsage || !strings.Contains(r.stderr, "docs/latin.txt: byte 3: not valid UTF-8") {
		t.Errorf("%+v", r)
	}
}

// withInput is a command with standard input.
func withInput(t *testing.T, dir, input string, args ...string) result {
	t.Helper()
	cmd := command(t.Context(), t, dir, withKey, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	_ = cmd.Run() // its exit code is looked at
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// What standard input has yielded is kept with the run: it need not come again.
func TestRunReadsStandardInputOnce(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, moody(new(atomic.Bool))), t.TempDir()
	input := strings.Join(someFail, "\n") + "\n"
	args := asking(server, "-", "--name", "piped", "--prompt", "Say {{.text}}")
	if r := withInput(t, dir, "", args...); r.code != exitUsage || !strings.Contains(r.stderr, "standard input is empty") {
		t.Errorf("%+v", r)
	}
	if r := withInput(t, dir, input, append(slices.Clone(args), "--ingest")...); r.code != exitOK || !strings.Contains(r.stderr, "is kept until") {
		t.Fatalf("%+v", r)
	}
	kept, _ := filepath.Glob(filepath.Join(dir, ".baler", "runs", "*", "input-*"))
	if len(kept) != 1 {
		t.Fatalf("%v", kept)
	}
	if info, err := os.Stat(kept[0]); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if r := withInput(t, dir, `{"id":"other","text":"x"}`, args...); r.code != exitUsage || !strings.Contains(r.stderr, "another input") {
		t.Errorf("another input: %+v", r)
	}
	for range 2 {
		if r := withInput(t, dir, input, args...); r.code != exitFailed {
			t.Fatalf("%+v", r)
		}
	}
	if got := readResults(t, filepath.Join(dir, "out.jsonl")); len(got) != 4 || got["line:3"].Status != "failed" {
		t.Errorf("%+v", got)
	}
	if r := runCommand(t, dir, withKey, runArgs(server, "--out", "again.jsonl")...); r.code == exitOK {
		t.Error("it needs an input")
	}
	r := runCommand(t, dir, withKey, "retry", "piped", "--out", "again.jsonl", "--base-url", server.URL+"/v1", "--poll", "1ms")
	if got := readResults(t, filepath.Join(dir, "again.jsonl")); len(got) != 2 {
		t.Errorf("%+v, %+v", r, got)
	}
	if r := runCommand(t, dir, withKey, "prune", "piped"); r.code != exitOK {
		t.Errorf("%+v", r)
	}
	if kept, _ = filepath.Glob(filepath.Join(dir, ".baler", "runs", "*", "input-*")); len(kept) > 0 {
		t.Errorf("%v", kept)
	}
	if r := withInput(t, dir, input, "preview", "-", "--model", "m", "--prompt", "{{.text}}"); r.code != exitOK || strings.Count(r.stdout, "\n") != 3 {
		t.Errorf("%+v", r)
	}
	if r := withInput(t, dir, input, "plan", "-", "--model", "m", "--prompt", "{{.text}}"); r.code != exitOK || !strings.Contains(r.stdout, "4") {
		t.Errorf("%+v", r)
	}
}
