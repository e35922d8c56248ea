package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReportOfARun(t *testing.T) {
	t.Parallel()
	_, dir := finishedRun(t)
	r := runCommand(t, dir, nil, "report", "in")
	if r.code != exitOK || !strings.Contains(r.stdout, "| succeeded | 249 (99.6 %) |") || !strings.Contains(r.stdout, "| bad |") {
		t.Errorf("%+v", r)
	}
	var got struct {
		State  string
		Failed struct{ Rows int }
	}
	r = runCommand(t, dir, nil, "report", "--format", "json")
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || got.State != "completed" || got.Failed.Rows != 1 {
		t.Errorf("%v: %+v", err, r)
	}
	r = runCommand(t, dir, nil, "report", "--out", "r.html")
	if page, err := os.ReadFile(filepath.Join(dir, "r.html")); err != nil || r.code != exitOK || !strings.HasPrefix(string(page), "<!doctype html>") {
		t.Errorf("%v: %+v", err, r)
	}
	writeFile(t, dir, "own.tmpl", "{{.Name}}: {{count .Rows}}")
	if r = runCommand(t, dir, nil, "report", "--template", "own.tmpl"); r.stdout != "in: 250\n" {
		t.Errorf("%+v", r)
	}
	for want, args := range map[string][]string{
		"choose md":    {"--format", "pdf"},
		"the name":     {"--out", "r.pdf"},
		"exists":       {"--out", "r.html"},
		"both":         {"--template", "own.tmpl", "--format", "md"},
		"no-such-file": {"--template", "no-such-file"},
		"no-such-run":  {"no-such-run"},
	} {
		if r := runCommand(t, dir, nil, append([]string{"report"}, args...)...); r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%v: %+v", args, r)
		}
	}
}
