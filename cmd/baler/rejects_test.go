package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/sink/simulator"
)

func TestRunLeavesOutRowsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.csv", "id,text", "1,one", "2", "3,three", "4,four", "1,other", `5,"five"x`)
	args := asking(server, "in.csv")
	if r := runCommand(t, dir, withKey, args...); r.code != exitUsage || !strings.Contains(r.stderr, "in.csv:3") {
		t.Fatalf("%+v", r)
	}
	args = append(args, "--rejects", "bad.jsonl")
	if r := runCommand(t, dir, withKey, append([]string{"plan"}, slices.Concat(args[1:])...)...); !strings.Contains(r.stdout, "3 rejected") {
		t.Errorf("%+v", r)
	}
	for range 2 {
		r := runCommand(t, dir, withKey, args...)
		if r.code != exitFailed || !r.says("rejected 3") || !strings.Contains(r.stderr, "3 rows cannot be used") {
			t.Fatalf("%+v", r)
		}
		if got := readResults(t, filepath.Join(dir, "out.jsonl")); len(got) != 3 || got["3"].ID == "" {
			t.Errorf("%+v", got)
		}
		b, err := os.ReadFile(filepath.Join(dir, "bad.jsonl"))
		var got []string
		for line := range strings.Lines(string(b)) {
			begin, _, _ := strings.Cut(line, `"reason"`)
			_, end, _ := strings.Cut(line, `"row":`)
			got = append(got, begin+strings.TrimSpace(end))
		}
		want := []string{`{"file":"in.csv","line":3,"2"}`, `{"file":"in.csv","line":6,{"id":"1","text":"other"}}`, `{"file":"in.csv","line":7,"5,\"five\"x"}`}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v: %s", err, diff)
		}
	}
	r := runCommand(t, dir, withKey, asking(server, "in.csv", "--rejects", "bad2.jsonl", "--name", "x", "--out", "x.jsonl", "--prompt", "{{.nothing}}")...)
	if r.code != exitUsage || !strings.Contains(r.stderr, "none of the first") || len(server.Batches()) != 1 {
		t.Errorf("%+v", r)
	}
}
