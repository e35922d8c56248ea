package main

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

// A run whose first rows do badly is paused with the figures, also after its
// process was killed. Once it is resumed, the other rows follow.
func TestACanaryPausesARunUntilItIsResumed(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{Rows: simulator.RowFaults{BadRequest: 1}}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(200)...)
	flags := namedRun(server, "daily", "--canary", "15%", "--canary-failed", "20%", "--pause-above", "100%")
	paused := func(s durable.Status) bool { return s.State == durable.StatePaused && len(s.Open) == 0 }
	first := startCommand(t, dir, flags...)
	s := statusOf(t, dir, "daily", paused)
	if s.Failed != 30 || !strings.Contains(s.Reason, "of the first 30 answers, 30 failed (100 %, 20 % may)") {
		t.Errorf("%+v", s)
	}
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.end()
	again := startCommand(t, dir, flags...)
	if s := statusOf(t, dir, "daily", func(s durable.Status) bool { return paused(s) && s.PID == again.cmd.Process.Pid }); s.Failed != 30 {
		t.Errorf("%+v", s)
	}
	mustCommand(t, dir, "resume", "daily")
	if r := again.end(); r.code != exitFailed || !r.says("failed 200") || !strings.Contains(r.stderr, "30 failed (100 %, 20 % may)") {
		t.Errorf("%+v", r)
	}
}

func TestCanaryFlagsThatAreWrong(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"such as 1%": {"--canary", "0"}, "at most 100%": {"--canary", "200%"}, "which is not given": {"--canary-cost", "1usd"},
		"--canary-failed": {"--canary", "5", "--canary-failed", "0"},
	} {
		if r := runCommand(t, t.TempDir(), nil, append([]string{"run", "in.jsonl", "--out", "o"}, args...)...); r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%v: %+v", args, r)
		}
	}
}
