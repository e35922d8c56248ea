//go:build unix

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

func TestRunWritesEvents(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", append(tickets(29), `{"id":"bad","text":"[[400]]"}`)...)
	args := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", "--events", "events.jsonl")
	if r := runCommand(t, dir, withKey, args...); r.code != exitFailed {
		t.Fatalf("%+v", r)
	}
	kinds, states := make(map[string]int), []durable.State(nil)
	for i, line := range readLines(t, filepath.Join(dir, "events.jsonl")) {
		var e durable.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Seq != uint64(i+1) || e.Job != "in" { //nolint:gosec // an index
			t.Fatalf("%v: %s", err, line)
		}
		switch {
		case e.Row != nil:
			kinds["row "+string(e.Row.Status)]++
		case e.Run != nil:
			states = append(states, e.Run.State)
		case e.Batch != nil:
			kinds["batch"]++
		}
	}
	if kinds["row succeeded"] != 29 || kinds["row failed"] != 1 || kinds["batch"] < 5 || len(states) != 2 || states[1] != durable.StateCompleted {
		t.Errorf("%v, %v", kinds, states)
	}
	if info, err := os.Stat(filepath.Join(dir, "events.jsonl")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	before := len(readLines(t, filepath.Join(dir, "events.jsonl")))
	if r := runCommand(t, dir, withKey, args...); r.code != exitFailed {
		t.Fatalf("%+v", r)
	}
	if after := len(readLines(t, filepath.Join(dir, "events.jsonl"))); after <= before {
		t.Errorf("%d lines were %d before another start", after, before)
	}
	r := runCommand(t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", "--events", "-")...)
	if line, _, _ := strings.Cut(r.stdout, "\n"); !strings.HasPrefix(line, `{"v":1,"seq":1,`) {
		t.Errorf("%+v", r)
	}
}

func TestEventsRefusesMistakes(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(3)...)
	for path, want := range map[string]string{
		"in.jsonl": "is the input", "out.jsonl": "is --out", ".baler/events": "in the state directory", "other.txt": "something else",
		filepath.Join("no-such-dir", "e"): "no-such-dir",
	} {
		writeFile(t, dir, "other.txt", "a letter to my mother")
		r := runCommand(t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", "--events", path)...)
		if r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: %+v", path, r)
		}
	}
	r := runCommand(t, dir, withKey, runArgs(server, "in.jsonl", "--out", "-", "--model", "m", "--prompt", "{{.text}}", "--events", "-")...)
	if r.code != exitUsage || !strings.Contains(r.stderr, "standard output") {
		t.Errorf("%+v", r)
	}
	if n := len(server.Batches()); n != 0 {
		t.Errorf("%d batches were bought", n)
	}
}

// A descriptor that nobody has opened would be one of the program's own files.
// A pipe without a reader would be waited for.
func TestEventsGoToNoFileOfTheProgram(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(3)...)
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/dev/fd/7", "/dev/fd/8", "/dev/fd/12", "pipe"} {
		r := runCommand(t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", "--events", path)...)
		if r.code != exitUsage || !strings.Contains(r.stderr, "--events") {
			t.Errorf("%s: %+v", path, r)
		}
	}
	if n := len(server.Batches()); n != 0 {
		t.Errorf("%d batches were bought", n)
	}
}

// Nobody is held up by a reader that does not read, nor by one that goes away.
func TestEventsWaitForNoReader(t *testing.T) {
	t.Parallel()
	for _, away := range []bool{false, true} {
		server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
		writeFile(t, dir, "in.jsonl", tickets(1500)...)
		cmd := command(t.Context(), t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", "--events", "/dev/fd/3")...)
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if away {
			_ = reader.Close()
		}
		cmd.ExtraFiles = []*os.File{writer}
		out, err := cmd.CombinedOutput()
		_ = writer.Close()
		_ = reader.Close()
		if err != nil || !strings.Contains(string(out), "the events are not complete") {
			t.Errorf("away %v: %v\n%s", away, err, out)
		}
		if n := len(readLines(t, filepath.Join(dir, "out.jsonl"))); n != 1500 {
			t.Errorf("%d results", n)
		}
	}
}
