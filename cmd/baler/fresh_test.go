package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

// A run that was cancelled, or has ended, begins anew under its name, and what
// it was answered is in the cache; its batches must not be open any more.
func TestFreshBeginsAnew(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, anHour), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(150)...)
	run := startCommand(t, dir, ask(server, "out.jsonl")...)
	statusOf(t, dir, "in", open(2, server))
	if r := run.end(os.Interrupt); r.code != exitResumable {
		t.Fatalf("%+v", r)
	}
	fresh := ask(server, "fresh.jsonl", "--fresh")
	for range 2 {
		r := runCommand(t, dir, withKey, fresh...)
		if r.code != exitUsage || !strings.Contains(r.stderr, "batch_") || !strings.Contains(r.stderr, "baler cancel in") {
			t.Errorf("with open batches: %+v", r)
		}
	}
	if err := server.Advance(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if r := runCommand(t, dir, withKey, ask(server, "out.jsonl")...); r.code != exitOK {
		t.Fatalf("it does not go on: %+v", r)
	}
	if r := runCommand(t, dir, withKey, ask(server, "out.jsonl", "--fresh")...); r.code != exitUsage || !strings.Contains(r.stderr, "not of this job") {
		t.Errorf("with the output of before: %+v", r)
	}
	if r := runCommand(t, dir, nil, "results", "in"); r.code != exitOK || strings.Count(r.stdout, "\n") != 150 {
		t.Errorf("a refused one has cost the results: %+v", r)
	}
	if r := runCommand(t, dir, withKey, fresh...); r.code != exitOK || !r.says("from cache 150") {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, withKey, ask(server, "fresh.jsonl")...); r.code != exitOK || !r.says("from cache 150") {
		t.Errorf("and again: %+v", r)
	}
	for _, out := range []string{"out.jsonl", "fresh.jsonl"} {
		if n := len(readResults(t, filepath.Join(dir, out))); n != 150 || len(server.Batches()) != 2 {
			t.Errorf("%s: %d results; %d batches", out, n, len(server.Batches()))
		}
	}
	if r := runCommand(t, dir, nil, "doctor"); r.code != exitOK {
		t.Errorf("%+v", r)
	}
	r := runCommand(t, dir, nil, "prune", "--older-than", "0s")
	if r.code != exitOK || !r.says("in (earlier) ended") || !r.says("150 answers that later runs cannot take") {
		t.Errorf("%+v", r)
	}
}

func TestFreshAfterACancel(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, anHour), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(50)...)
	run := startCommand(t, dir, ask(server, "out.jsonl")...)
	statusOf(t, dir, "in", open(1, server))
	if r := mustCommand(t, dir, "cancel", "in"); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	if r := run.end(); r.code != exitFailed || !strings.Contains(r.stderr, "--fresh") {
		t.Fatalf("%+v", r)
	}
	again := startCommand(t, dir, ask(server, "fresh.jsonl", "--fresh")...)
	waitForBatches(t, server, 2)
	if err := server.Advance(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if r := again.end(); r.code != exitOK || len(readResults(t, filepath.Join(dir, "fresh.jsonl"))) != 50 {
		t.Errorf("%+v", r)
	}
}

// rm removes what has ended or bought nothing, and nothing else.
func TestRemove(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, anHour), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(50)...)
	writeFile(t, dir, "bad.jsonl", append(tickets(previewRows), `{`)...)
	if r := runCommand(t, dir, withKey, runArgs(server, "bad.jsonl", "--out", "bad-out.jsonl", "--model", "m", "--prompt", "{{.text}}")...); r.code != exitUsage {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, dir, nil, "rm", "bad"); r.code != exitOK {
		t.Errorf("what failed on its input: %+v", r)
	}
	run := startCommand(t, dir, ask(server, "out.jsonl")...)
	statusOf(t, dir, "in", open(1, server))
	if r := runCommand(t, dir, nil, "rm", "in"); r.code != exitResumable || !strings.Contains(r.stderr, "runs \"in\" there") {
		t.Errorf("what is under way: %+v", r)
	}
	if r := run.end(os.Interrupt); r.code != exitResumable {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, dir, nil, "rm", "in", "--force"); r.code != exitUsage || !strings.Contains(r.stderr, "batch_") {
		t.Errorf("what has open batches: %+v", r)
	}
	if err := server.Advance(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if r := runCommand(t, dir, withKey, ask(server, "out.jsonl")...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, dir, nil, "rm", "in"); r.code != exitOK {
		t.Errorf("what has ended: %+v", r)
	}
	if r := runCommand(t, dir, nil, "runs"); r.code != exitOK || strings.Contains(r.stdout, "in ") {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, nil, "rm", "in"); r.code != exitUsage || !strings.Contains(r.stderr, "no such run") {
		t.Errorf("once more: %+v", r)
	}
	if r := runCommand(t, dir, nil, "doctor"); r.code != exitOK {
		t.Errorf("%+v", r)
	}
	if n := len(readResults(t, filepath.Join(dir, "out.jsonl"))); n != 50 {
		t.Errorf("the output has %d results", n)
	}
	again := startCommand(t, dir, ask(server, "again.jsonl")...) // the name is free
	waitForBatches(t, server, 2)
	if err := server.Advance(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if r := again.end(); r.code != exitOK || len(readResults(t, filepath.Join(dir, "again.jsonl"))) != 50 {
		t.Errorf("%+v", r)
	}
}

// waitForBatches waits until the provider has n batches, and works on all that
// have not ended.
func waitForBatches(t *testing.T, server *simulator.Server, n int) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(time.Minute)
	for {
		batches := server.Batches()
		early := slices.ContainsFunc(batches, func(b simulator.Batch) bool { return b.Status == "validating" })
		if len(batches) >= n && !early {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d batches", len(batches))
		}
		<-tick.C
	}
}
