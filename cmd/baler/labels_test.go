package main

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// Labels are shown, and runs are selected by them.
func TestLabels(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(3)...)
	writeFile(t, dir, "job.yaml", "input: in.jsonl", "out: b.jsonl", "name: b", "label: {team: support, tier: two, x: 'a, b'}", "prompt: '{{.text}}'", "model: m")
	for _, args := range [][]string{
		ask(server, "a.jsonl", "--name", "a", "--label", "team=support", "--label", "tier=one"),
		runArgs(server, "job.yaml"), ask(server, "c.jsonl", "--name", "c"),
	} {
		if r := runCommand(t, dir, withKey, args...); r.code != exitOK {
			t.Fatalf("%+v", r)
		}
	}
	if r := mustCommand(t, dir, "status", "b"); !r.says("labels team=support, tier=two, x=a, b") {
		t.Errorf("%+v", r)
	}
	for filter, want := range map[string]string{
		"": "a b c", "--label team=support": "a b", "--label team=support --label tier=two": "b", "--label tier": "a b", "--label tier=": "", "--label x=a": "",
	} {
		r := mustCommand(t, dir, append([]string{"runs"}, strings.Fields(filter)...)...)
		var got []string
		for line := range strings.Lines(r.stdout) {
			if name := strings.Fields(line)[0]; name != "NAME" {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", filter, got, want)
		}
	}
	r := runCommand(t, dir, withKey, ask(server, "d.jsonl", "--label", "team")...)
	if r.code != exitUsage || !strings.Contains(r.stderr, "must be NAME=VALUE") {
		t.Errorf("%+v", r)
	}
}
