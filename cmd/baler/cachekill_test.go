package main

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

// Killed again and again while it settles what another run was answered, a run
// gets each row once and pays for nothing.
func TestKilledWhileAnsweredFromTheCache(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	const rows, kills = 10_000, 12
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("replay with -crash.seed=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "one.jsonl", tickets(rows)...)
	writeFile(t, dir, "two.jsonl", others(rows)...)
	run := func(name, out string, flags ...string) []string {
		return append(runArgs(server, name+".jsonl", "--out", out, "--name", name, "--model", "m", "--prompt", "{{.text}}"), flags...)
	}
	if r := runCommand(t, dir, withKey, run("one", "one.out", "--batch-size", "5000")...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	again := run("two", "out.jsonl", "--batch-size", "50")
	for n := range kills {
		if !killWhileWriting(t, dir, time.Duration(random.Int64N(int64(30*time.Millisecond))), again) {
			t.Fatalf("finished after %d kills: the run is too small", n)
		}
	}
	if r := runCommand(t, dir, withKey, again...); r.code != exitOK || !r.says("batches 0") {
		t.Fatalf("%+v", r)
	}
	if n := len(server.Batches()); n != 2 {
		t.Errorf("%d batches", n)
	}
	wantExactlyOnce(t, dir, server.URL+"/v1", rows)
}

// killWhileWriting starts the client and kills it a while after its output has
// grown, unless it is done.
func killWhileWriting(t *testing.T, dir string, after time.Duration, args []string) (killed bool) {
	t.Helper()
	size := func() int64 {
		info, err := os.Stat(filepath.Join(dir, "out.jsonl"))
		if err != nil {
			return 0
		}
		return info.Size()
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	before := size()
	cmd := command(ctx, t, dir, withKey, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for len(done) == 0 && size() <= before {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(after)
	cancel()
	if err := <-done; err == nil {
		return false
	}
	if !cmd.ProcessState.Exited() {
		return true
	}
	t.Fatalf("ended by itself: %s", cmd.ProcessState)
	return false
}
