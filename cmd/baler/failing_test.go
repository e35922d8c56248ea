package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

// A run most of whose rows fail says why it is paused, and goes on when it is
// told to.
func TestAFailingRunIsPausedUntilItIsResumed(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{Rows: simulator.RowFaults{BadRequest: 1}}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(200)...)
	run := startCommand(t, dir, namedRun(server, "daily", "--max-in-flight", "1")...)
	s := statusOf(t, dir, "daily", func(s durable.Status) bool { return s.State == durable.StatePaused && !bought(s) })
	if s.Failed == 0 || s.Failed > 150 || !strings.Contains(s.Reason, "rows failed (100 %)") {
		t.Errorf("%+v", s)
	}
	if r := mustCommand(t, dir, "status", "daily"); !strings.Contains(r.stdout, s.Reason) || !strings.Contains(r.stdout, "baler resume daily") {
		t.Errorf("%+v", r)
	}
	mustCommand(t, dir, "cancel", "daily")
	r := run.end()
	if r.code != exitFailed || !strings.Contains(r.stderr, "the run is paused") {
		t.Errorf("%+v", r)
	}
	all := startCommand(t, dir, namedRun(server, "again", "--max-in-flight", "1", "--pause-above", "100%", "--no-cache")...)
	if r := all.end(); r.code != exitFailed || !r.says("failed 200") {
		t.Errorf("%+v", r)
	}
}

// bought reports whether a batch is open that the provider was asked to create.
// One that is only uploaded stays open while a run is paused.
func bought(s durable.Status) bool {
	return slices.ContainsFunc(s.Open, func(b durable.OpenBatch) bool { return b.Creates > 0 })
}

func TestSharesAreChecked(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--pause-above", "0"}, {"--pause-above", "120%"}, {"--notify-above", "60%", "--pause-above", "40%"}} {
		r := runCommand(t, t.TempDir(), nil, append([]string{"run", "in.jsonl", "--out", "o"}, args...)...)
		if r.code != exitUsage || !strings.Contains(r.stderr, "--pause-above") {
			t.Errorf("%v: %+v", args, r)
		}
	}
}
