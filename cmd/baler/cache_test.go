package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// others are tickets that ask the same under other ids.
func others(n int) []string {
	lines := tickets(n)
	for i := range lines {
		lines[i] = strings.Replace(lines[i], `"t-`, `"other-`, 1)
	}
	return lines
}

// Under another name and with other ids, the same questions cost nothing,
// unless answers of others are not wanted.
func TestRunTakesTheAnswersOfAnother(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "one.jsonl", tickets(250)...)
	writeFile(t, dir, "two.jsonl", others(250)...)
	for _, test := range []struct {
		name, input string
		flags, want []string
		batches     int
	}{
		{"one", "one.jsonl", nil, []string{"from cache 0"}, 3},
		{"two", "two.jsonl", nil, []string{"from cache 250 250 of them answered in other runs", "batches 0", "tokens 0"}, 3},
		{"three", "two.jsonl", []string{"--no-cache"}, []string{"from cache 0", "batches 3"}, 6},
		{"four", "two.jsonl", []string{"--cache", "1ns"}, []string{"from cache 0", "batches 3"}, 9},
		{"two", "two.jsonl", nil, []string{"from cache 250"}, 9},
	} {
		out := test.name + ".out"
		args := runArgs(server, test.input, "--out", out, "--name", test.name, "--model", "m", "--prompt", "{{.text}}")
		r := runCommand(t, dir, withKey, append(args, test.flags...)...)
		if r.code != exitOK || len(server.Batches()) != test.batches {
			t.Fatalf("%s: %+v, %d batches", test.name, r, len(server.Batches()))
		}
		for _, want := range test.want {
			if !r.says(want) {
				t.Errorf("%s: %q does not say %q", test.name, r.stdout, want)
			}
		}
		if got := readResults(t, filepath.Join(dir, out)); len(got) != 250 || got["other-7"].Cached != (test.name == "two") {
			t.Errorf("%s: %d results, %+v", test.name, len(got), got["other-7"])
		}
	}
}
