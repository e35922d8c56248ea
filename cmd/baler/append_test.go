package main

import (
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// A run that is given every night buys what was added.
func TestRunAppendsWhatWasAdded(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, moody(new(atomic.Bool))), t.TempDir()
	night := func(code int, args ...string) result {
		t.Helper()
		r := runCommand(t, dir, withKey, runArgs(server, slices.Concat([]string{"--append", "--name", "nightly", "--model", "m", "--prompt", "Say {{.text}}"}, args)...)...)
		if r.code != code {
			t.Fatalf("%v: %+v", args, r)
		}
		return r
	}
	writeFile(t, dir, "a.jsonl", `{"id":"1","text":"one"}`, `{"text":"fail"}`)
	night(exitFailed, "a.jsonl", "--out", "1.jsonl")
	night(exitOK, "a.jsonl", "--out", "1.jsonl")
	writeFile(t, dir, "a.jsonl", `{"id":"1","text":"one"}`, `{"text":"fail"}`, `{"id":"3","text":"three"}`)
	writeFile(t, dir, "b.csv", "id,text", ",four")
	if r := night(exitOK, "a.jsonl", "b.csv", "--out", "2.jsonl"); !r.says("added 2") {
		t.Errorf("%+v", r)
	}
	for file, want := range map[string][]string{"1.jsonl": {"1", "a.jsonl:line:2"}, "2.jsonl": {"3", "b.csv:line:2"}} {
		got := readResults(t, filepath.Join(dir, file))
		for _, id := range want {
			if len(got) != 2 || got[id].ID == "" {
				t.Errorf("%s: %+v, want %v", file, got, want)
			}
		}
	}
	if r := runCommand(t, dir, withKey, "results", "nightly"); strings.Count(r.stdout, "\n") != 4 {
		t.Errorf("%+v", r)
	}
	writeFile(t, dir, "b.csv", "id,text", ",five")
	if r := night(exitUsage, "a.jsonl", "b.csv", "--out", "3.jsonl"); !strings.Contains(r.stderr, "was changed before") {
		t.Errorf("%+v", r)
	}
}

// Standard input is another one each time, and what a run knows is dropped.
func TestRunAppendsStandardInput(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	args := asking(server, "-", "--name", "piped", "--append")
	for _, input := range []string{`{"id":"1","text":"one"}`, `{"id":"2","text":"two"}` + "\n" + `{"id":"1","text":"one"}`} {
		if r := withInput(t, dir, input, args...); r.code != exitOK {
			t.Fatalf("%+v", r)
		}
	}
	if got := readResults(t, filepath.Join(dir, "out.jsonl")); len(got) != 2 || len(server.Batches()) != 2 {
		t.Errorf("%+v, %d batches", got, len(server.Batches()))
	}
}

// A run that was begun without --append goes on with it. Rows that only their
// line identifies are the same as before, whatever is added and read again.
func TestRunThatWasBegunWithoutAppendGoesOn(t *testing.T) {
	t.Parallel()
	var kind atomic.Bool
	server, dir := startSimulator(t, moody(&kind)), t.TempDir()
	run := func(code int, args ...string) {
		t.Helper()
		if r := runCommand(t, dir, withKey, asking(server, slices.Concat(args, []string{"--name", "n", "--retries", "0", "--no-cache", "--pause-above", "100%"})...)...); r.code != code {
			t.Fatalf("%v: %+v", args, r)
		}
	}
	write := func(rows int, more ...string) {
		lines := []string{`{"id":"1","text":"one"}`, `{"text":"two"}`, `{"text":"fail"}`, `{"text":"four"}`, `{"text":"five"}`}
		writeFile(t, dir, "a.jsonl", lines[:rows]...)
		writeFile(t, dir, "b.csv", append([]string{"id,text"}, more...)...)
	}
	write(2)
	run(exitOK, "a.jsonl")
	write(2)
	run(exitOK, "a.jsonl", "--append") // which has nothing new
	write(3)
	run(exitFailed, "a.jsonl", "--append")
	write(4, ",six")
	run(exitOK, "a.jsonl", "b.csv", "--append")
	write(5, ",six", ",seven")
	run(exitOK, "b.csv", "a.jsonl", "--append") // all of them are read again
	got := readResults(t, filepath.Join(dir, "out.jsonl"))
	for _, id := range []string{"1", "line:2", "line:3", "line:4", "line:5", "b.csv:line:2", "b.csv:line:3"} {
		if got[id].ID == "" {
			t.Errorf("no result of %s", id)
		}
	}
	executed := 0
	for _, b := range server.Batches() {
		executed += b.Rows
	}
	if len(got) != 7 || executed != 7 {
		t.Errorf("%d results, %d rows were bought", len(got), executed)
	}
	kind.Store(true)
	if r := runCommand(t, dir, withKey, "retry", "n", "--out", "again.jsonl", "--base-url", server.URL+"/v1", "--poll", "5ms"); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	if again := readResults(t, filepath.Join(dir, "again.jsonl")); len(again) != 1 || again["line:3"].ID == "" {
		t.Errorf("%+v", again)
	}
}
