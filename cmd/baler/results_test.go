package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/sink/simulator"
)

// finishedRun is a directory with a run of 250 rows, of which one failed.
func finishedRun(t *testing.T) (server *simulator.Server, dir string) {
	t.Helper()
	server, dir = startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", append(tickets(249), `{"id":"bad","text":"[[400]]"}`)...)
	r := runCommand(t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}")...)
	if r.code != exitFailed {
		t.Fatalf("%+v", r)
	}
	return server, dir
}

func readLines(t *testing.T, path string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(strings.Lines(string(b)))
}

var goOn = regexp.MustCompile(`go on with --after (\S+)`)

func TestResultsPrintsTheOutputAgain(t *testing.T) {
	_, dir := finishedRun(t)
	want := readLines(t, filepath.Join(dir, "out.jsonl"))
	r := runCommand(t, dir, nil, "results")
	if got := slices.Collect(strings.Lines(r.stdout)); r.code != exitOK || !slices.Equal(got, want) {
		t.Errorf("%d lines, want %d; %s", len(got), len(want), r.stderr)
	}
	cursor := goOn.FindStringSubmatch(r.stderr)
	if cursor == nil {
		t.Fatalf("no cursor: %s", r.stderr)
	}
	if r = runCommand(t, dir, nil, "results", "in", "--after", cursor[1]); r.code != exitOK || r.stdout != "" {
		t.Errorf("after the end: %+v", r)
	}
	if r = runCommand(t, dir, nil, "results", "--status", "failed"); r.code != exitOK || !strings.HasPrefix(r.stdout, `{"id":"bad","status":"failed"`) || strings.Count(r.stdout, "\n") != 1 {
		t.Errorf("failed: %+v", r)
	}
	if r = runCommand(t, dir, nil, "results", "--ordered", "--out", "sorted.jsonl"); r.code != exitOK || r.stdout != "" {
		t.Fatalf("sorted: %+v", r)
	}
	for i, line := range readLines(t, filepath.Join(dir, "sorted.jsonl")) {
		if id := tickets(250)[i]; i < 249 && !strings.HasPrefix(line, strings.Split(id, ",")[0]+",") {
			t.Fatalf("line %d is %s", i+1, line)
		}
	}
}

// Before anything is settled there is nothing to go on from.
func TestResultsOfARunThatHasNone(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{Keys: []string{"sk-other"}}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(3)...)
	if r := runCommand(t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}")...); r.code != exitUsage {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, dir, nil, "results"); r.code != exitOK || r.stdout != "" || r.stderr != "0 results\n" {
		t.Errorf("%+v", r)
	}
}

func TestResultsRefusesMistakes(t *testing.T) {
	_, dir := finishedRun(t)
	for name, test := range map[string]struct{ args, want []string }{
		"unknown run":    {[]string{"results", "runn"}, []string{`"runn"`, `"in"`}},
		"unknown status": {[]string{"results", "--status", "lost"}, []string{`"lost"`, "cancelled"}},
		"odd cursor":     {[]string{"results", "--after", "7"}, []string{`"7" is not a cursor`}},
		"existing file":  {[]string{"results", "--out", "out.jsonl"}, []string{"--out", "exists"}},
		"no state":       {[]string{"results", "--state", "nowhere"}, []string{"nowhere"}},
		"two names":      {[]string{"results", "a", "b"}, []string{"name of a run"}},
		"export nowhere": {[]string{"export"}, []string{"--dir"}},
		"export to full": {[]string{"export", "--dir", "."}, []string{"choose a directory"}},
		"prune no state": {[]string{"prune", "--state", "nowhere"}, []string{"nowhere"}},
		"prune unknown":  {[]string{"prune", "runn"}, []string{`"runn"`, `"in"`}},
	} {
		r := runCommand(t, dir, nil, test.args...)
		if r.code != exitUsage || r.stdout != "" {
			t.Errorf("%s: %+v", name, r)
		}
		for _, want := range test.want {
			if !strings.Contains(r.stderr, want) {
				t.Errorf("%s: %q does not mention %q", name, r.stderr, want)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a state directory was made")
	}
}

func TestExportWritesAllBatches(t *testing.T) {
	_, dir := finishedRun(t)
	r := runCommand(t, dir, nil, "export", "--dir", "export")
	if r.code != exitOK || !r.says("3 batches, 250 requests, 250 answers in export") {
		t.Fatalf("%+v", r)
	}
	var m archive.Manifest
	b, err := os.ReadFile(filepath.Join(dir, "export", "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	for _, batch := range m.Batches {
		lines := readLines(t, filepath.Join(dir, "export", batch.Requests))
		if len(lines) != batch.Rows || !strings.HasPrefix(lines[0], `{"custom_id":"`+batch.Tag+`_`) {
			t.Errorf("%d lines of %+v", len(lines), batch)
		}
	}
}

func TestPruneFreesWhatHasEnded(t *testing.T) {
	server, dir := finishedRun(t)
	if r := runCommand(t, dir, nil, "prune"); r.code != exitOK || !r.says("freed 0 B") {
		t.Errorf("what has just ended: %+v", r)
	}
	if r := runCommand(t, dir, nil, "prune", "--older-than", "0s", "--dry-run"); r.code != exitOK || !r.says("would free") || r.says("free 0 B") {
		t.Errorf("dry run: %+v", r)
	}
	if r := runCommand(t, dir, nil, "prune", "in"); r.code != exitOK || !r.says("in ended") || r.says("freed 0 B") {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, nil, "results"); r.code != exitUsage || !strings.Contains(r.stderr, "pruned") {
		t.Errorf("results: %+v", r)
	}
	batches := len(server.Batches())
	r := runCommand(t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}")...)
	if r.code != exitFailed || !r.says("from cache 250") || len(server.Batches()) != batches {
		t.Errorf("run again: %+v", r)
	}
}
