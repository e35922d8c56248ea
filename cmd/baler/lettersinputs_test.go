package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// Lines begin again in each file, and a row that cannot be used is passed.
func TestRowsOfSeveralFilesThatFailedAreFound(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, moody(new(atomic.Bool))), t.TempDir()
	writeFile(t, dir, "a.jsonl", `{"id":"1","text":"one"}`, `{`, `{"id":"2","text":"fail"}`)
	writeFile(t, dir, "b.jsonl", `{"text":"fail"}`, `{"id":"4","text":"four"}`)
	args := asking(server, "a.jsonl", "b.jsonl", "--name", "n", "--prompt", "Say {{.text}}", "--rejects", "bad.jsonl")
	if r := runCommand(t, dir, withKey, append(slices.Clone(args), "--append", "--dead-letters", "dead.jsonl")...); r.code != exitUsage || !strings.Contains(r.stderr, "baler retry") {
		t.Errorf("%+v", r)
	}
	r := runCommand(t, dir, withKey, append(args, "--dead-letters", "dead.jsonl", "--pause-above", "100%")...)
	b, err := os.ReadFile(filepath.Join(dir, "dead.jsonl"))
	if r.code != exitFailed || err != nil || strings.Count(string(b), "\n") != 2 || !strings.Contains(string(b), `"b.jsonl:line:1"`) {
		t.Fatalf("%+v, %v: %s", r, err, b)
	}
	if r := runCommand(t, dir, withKey, "status", "n"); !r.says("rejected 1") {
		t.Errorf("%+v", r)
	}
	retried(t, dir, "n", server.URL, "2", "b.jsonl:line:1")
}

func TestRowsOfARunWithAppendThatFailedAreRetried(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, moody(new(atomic.Bool))), t.TempDir()
	writeFile(t, dir, "c.jsonl", `{"text":"fail"}`)
	args := asking(server, "c.jsonl", "--name", "m", "--append", "--prompt", "Say {{.text}}", "--pause-above", "100%")
	if r := runCommand(t, dir, withKey, args...); r.code != exitFailed {
		t.Fatalf("%+v", r)
	}
	retried(t, dir, "m", server.URL, "c.jsonl:line:1")
}

// retried runs the failed rows of a run again, which have these ids.
func retried(t *testing.T, dir, run, url string, ids ...string) {
	t.Helper()
	r := runCommand(t, dir, withKey, "retry", run, "--out", "again.jsonl", "--base-url", url+"/v1", "--poll", "1ms", "--pause-above", "100%")
	got := readResults(t, filepath.Join(dir, "again.jsonl"))
	for _, id := range ids {
		if len(got) != len(ids) || got[id].ID == "" {
			t.Errorf("%+v: %+v, want %v", r, got, ids)
		}
	}
}

// Standard input comes as a whole each time, with the rows that cannot be used.
func TestARowOfStandardInputIsRejectedOnce(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	args := asking(server, "-", "--name", "p", "--append", "--rejects", "bad.jsonl")
	for code := range slices.Values([]int{exitFailed, exitOK}) {
		r := withInput(t, dir, "{\"id\":\"1\",\"text\":\"one\"}\n{\n", args...)
		if b, err := os.ReadFile(filepath.Join(dir, "bad.jsonl")); r.code != code || err != nil || strings.Count(string(b), "\n") != 1 {
			t.Errorf("%+v, %v: %s", r, err, b)
		}
	}
}
