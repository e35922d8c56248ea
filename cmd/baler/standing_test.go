package main

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// A run that stopped for something that stays is not just to be run again.
func TestStatusOfARunThatNeedsSomebody(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{Keys: []string{"sk-other"}}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(3)...)
	if r := runCommand(t, dir, withKey, ask(server, "out.jsonl")...); r.code != exitUsage || strings.Contains(r.stderr, sameCommand) {
		t.Fatalf("%+v", r)
	}
	r := runCommand(t, dir, nil, "status")
	if r.code != exitOK || !strings.Contains(r.stdout, "see to that, and then run it again") {
		t.Errorf("%+v", r)
	}
}
