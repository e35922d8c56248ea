package main

import (
	"os"
	"strings"
	"testing"
)

// A file that is not there is said before anybody is asked, and leaves no run.
func TestRunWithoutItsInput(t *testing.T) {
	dir := t.TempDir()
	r := runCommand(t, dir, withKey, "run", "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}",
		"--base-url", "http://127.0.0.1:1/v1")
	if r.code != exitUsage || !strings.Contains(r.stderr, "in.jsonl: no such file") {
		t.Errorf("%+v", r)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
