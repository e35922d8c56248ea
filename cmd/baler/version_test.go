package main

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// A temperature is refused by Anthropic's newest version. The run remembers the
// version that was chosen instead: a later start and an export use it, and
// another one is refused.
func TestVersionOfTheAPIIsChosenAndKept(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	const row = `{"custom_id":"a","params":{"model":"claude-m","max_tokens":9,"temperature":0.5,"messages":[{"role":"user","content":"hi"}]}}`
	writeFile(t, dir, "in.jsonl", row)
	run := func(more ...string) result {
		return runCommand(t, dir, []string{"ANTHROPIC_API_KEY=sk-test"}, append([]string{
			"run", "in.jsonl", "--out", "out.jsonl", "--poll", "5ms", "--base-url", server.URL + "/anthropic",
		}, more...)...)
	}
	if r := run("--name", "newest"); r.code != exitUsage || !strings.Contains(r.stdout+r.stderr, `in.jsonl:1: `) || !strings.Contains(r.stdout+r.stderr, "or choose version 2023-06-01") {
		t.Fatalf("the newest version: %+v", r)
	}
	if r := run("--api-version", "2023"); r.code != exitUsage || !strings.Contains(r.stderr, "2026-10-21") || !strings.Contains(r.stderr, "2023-06-01") {
		t.Errorf("an unknown version: %+v", r)
	}
	if r := run("--api-version", "2023-06-01", "--ingest"); r.code != exitOK {
		t.Fatalf("the version: %+v", r)
	}
	if r := run("--api-version", "2026-10-21"); r.code != exitUsage || !strings.Contains(r.stdout+r.stderr, "another --api-version") {
		t.Errorf("another version: %+v", r)
	}
	if r := run(); r.code != exitOK || len(readResults(t, dir+"/out.jsonl")) != 1 {
		t.Errorf("the version that is remembered: %+v", r)
	}
	if r := runCommand(t, dir, nil, "export", "in", "--dir", "exported"); r.code != exitOK || !strings.Contains(r.stdout+r.stderr, "1 request, 1 answer") {
		t.Errorf("export: %+v", r)
	}
}

func TestVersionOfAnAPIThatHasNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(1)...)
	r := runCommand(t, dir, withKey, "run", "in.jsonl", "--out", "o", "--provider", "openai", "--model", "m", "--prompt", "{{.text}}", "--api-version", "1")
	if r.code != exitUsage || !strings.Contains(r.stdout+r.stderr, "--api-version 1: the API of openai has no version to choose") {
		t.Errorf("%+v", r)
	}
}
