package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// Whoever has lost the state directory gets what was bought, and pays for the
// rest only: here for the rows that are new in the input.
func TestDoctorAdoptsWhatWasLost(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	run := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", "--keep-remote")
	doctor := []string{"doctor", "--adopt", "in", "--base-url", server.URL + "/v1"}
	writeFile(t, dir, "in.jsonl", tickets(250)...)
	if r := runCommand(t, dir, withKey, run...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	for _, name := range []string{".baler", "out.jsonl"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}

	writeFile(t, dir, "in.jsonl", append(tickets(250), `{"id":"broken"`)...)
	if r := runCommand(t, dir, withKey, append(run, "--ingest")...); r.code != exitUsage || !strings.Contains(r.stderr, "in.jsonl:251") {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, dir, withKey, doctor...); r.code != exitUsage || !strings.Contains(r.stderr, "--ingest") {
		t.Fatalf("not read: %+v", r)
	}
	writeFile(t, dir, "in.jsonl", tickets(260)...)
	if r := runCommand(t, dir, withKey, append(run, "--ingest")...); r.code != exitOK || !r.says("260 rows of in.jsonl read, 0 duplicates dropped") {
		t.Fatalf("%+v", r)
	}
	r := runCommand(t, dir, withKey, append(doctor, "--json")...)
	var report doctorReport
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil || r.code != exitOK || len(report.Orphans) != 3 {
		t.Fatalf("%v: %+v", err, r)
	}
	adopted := 0
	for _, o := range report.Orphans {
		adopted += o.Adopted
	}
	if adopted != 250 || report.Jobs[0].Waiting != 10 {
		t.Errorf("%d rows adopted, %+v", adopted, report.Jobs)
	}
	if r := runCommand(t, dir, withKey, run...); r.code != exitOK || len(server.Batches()) != 4 {
		t.Fatalf("%+v, %d batches", r, len(server.Batches()))
	}
	wantExactlyOnce(t, dir, server.URL+"/v1", 260)
	if r := runCommand(t, dir, withKey, doctor...); r.code != exitUsage || !strings.Contains(r.stderr, "completed") {
		t.Errorf("completed: %+v", r)
	}
}

// What was bought and cannot be had any more is said, by batch and number, and
// an old output brings it back.
func TestDoctorSaysWhatCannotBeAdopted(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	run := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}")
	doctor := []string{"doctor", "--adopt", "run", "--base-url", server.URL + "/v1"}
	writeFile(t, dir, "in.jsonl", tickets(250)...)
	if r := runCommand(t, dir, withKey, append(run, "--name", "run")...); r.code != exitOK { // which removes its results
		t.Fatalf("%+v", r)
	}
	if err := os.RemoveAll(filepath.Join(dir, ".baler")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "out.jsonl"), filepath.Join(dir, "old.jsonl")); err != nil {
		t.Fatal(err)
	}
	if r := runCommand(t, dir, withKey, append(run, "--name", "run", "--ingest")...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	r := runCommand(t, dir, withKey, doctor...)
	if r.code != exitFailed || r.says("all is well") || !r.says("250 rows of 3 batches could not be brought back") || !r.says("gone at the provider") {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, withKey, "doctor", "--adopt-output", "old.jsonl"); r.code != exitUsage || !strings.Contains(r.stderr, "--adopt") {
		t.Errorf("%+v", r)
	}
	r = runCommand(t, dir, withKey, append(doctor, "--adopt-output", "old.jsonl")...)
	if r.code != exitOK || !r.says("old output: 250 rows adopted") {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, withKey, append(run, "--name", "run")...); r.code != exitOK || len(server.Batches()) != 3 {
		t.Fatalf("%+v, %d batches", r, len(server.Batches()))
	}
	wantExactlyOnce(t, dir, server.URL+"/v1", 250)
}

// An old output is adopted without a key, and what the provider may have
// besides is not said to be well.
func TestAnOldOutputNeedsNoKey(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	run := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}")
	doctor := []string{"doctor", "--adopt", "in", "--base-url", server.URL + "/v1"}
	writeFile(t, dir, "in.jsonl", tickets(20)...)
	if r := runCommand(t, dir, withKey, run...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	lines := readLines(t, filepath.Join(dir, "out.jsonl"))
	for _, name := range []string{".baler", "out.jsonl"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if r := runCommand(t, dir, withKey, append(run, "--ingest")...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, dir, nil, doctor...); r.code != exitUsage || !strings.Contains(r.stderr, keyVariable) {
		t.Errorf("%+v", r)
	}
	writeFile(t, dir, "part.jsonl", lines[:15]...)
	r := runCommand(t, dir, nil, append(doctor, "--adopt-output", "part.jsonl")...)
	if r.code != exitFailed || r.says("all is well") || !r.says("15 rows adopted") || !r.says("not asked for batches, as "+keyVariable) {
		t.Errorf("%+v", r)
	}
	writeFile(t, dir, "whole.jsonl", lines...)
	if r := runCommand(t, dir, nil, append(doctor, "--adopt-output", "whole.jsonl")...); r.code != exitOK || !r.says("5 rows adopted") {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, withKey, run...); r.code != exitOK || len(server.Batches()) != 1 {
		t.Fatalf("%+v, %d batches", r, len(server.Batches()))
	}
	wantExactlyOnce(t, dir, server.URL+"/v1", 20)
}
