package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/simulator"
)

// readLetters reads a file of dead letters by id.
func readLetters(t *testing.T, path string) map[string]retry.DeadLetter[json.RawMessage] {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]retry.DeadLetter[json.RawMessage])
	for l, err := range retry.ReadDeadLetters[json.RawMessage](bytes.NewReader(b)) {
		if _, twice := got[l.ID]; err != nil || twice {
			t.Fatalf("%q, %v", l.ID, err)
		}
		got[l.ID] = l
	}
	return got
}

// moody fails the rows that say so until it is told to be kind.
func moody(kind *atomic.Bool) simulator.Config {
	return simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		if !kind.Load() && strings.Contains(string(r.Body), "fail") {
			return simulator.Reply{Error: &simulator.RowError{Status: 400, Code: "no_mood", Message: "not today"}}
		}
		return simulator.Echo(r)
	}}
}

// someFail are rows with an id, without one, with numbers that no float holds.
var someFail = []string{
	`{"id":"a","text":"fine"}`, `{"id":"b","text":"fail <&>","n":9007199254740993}`, `{"text":"fail too"}`, `{"id":"d","text":"well"}`,
}

func TestFailedRowsGoToAFileAndFromThereIntoANewRun(t *testing.T) {
	t.Parallel()
	var kind atomic.Bool
	server, dir := startSimulator(t, moody(&kind)), t.TempDir()
	writeFile(t, dir, "in.jsonl", someFail...)
	ask := func(args ...string) []string {
		return runArgs(server, append([]string{"--model", "m", "--prompt", "Say {{.text}}"}, args...)...)
	}
	first := ask("in.jsonl", "--out", "out.jsonl", "--dead-letters", "dead.jsonl")
	for range 2 { // a run that has ended writes the same again
		if r := runCommand(t, dir, withKey, first...); r.code != exitFailed || !r.says("failed 2") {
			t.Fatalf("%+v", r)
		}
		dead := readLetters(t, filepath.Join(dir, "dead.jsonl"))
		b, noID := dead["b"], dead["line:3"]
		if len(dead) != 2 || string(b.Item) != someFail[1] || string(noID.Item) != someFail[2] {
			t.Errorf("%+v", dead)
		}
		if b.Code != "no_mood" || b.Class != retry.Permanent || b.Reason != "not today" || b.Attempts != 1 {
			t.Errorf("%+v", b)
		}
	}
	kind.Store(true)
	r := runCommand(t, dir, withKey, ask("--from-failed", "dead.jsonl", "--out", "again.jsonl", "--dead-letters", "none.jsonl")...)
	got := readResults(t, filepath.Join(dir, "again.jsonl"))
	if r.code != exitOK || len(got) != 2 || !strings.Contains(got["line:3"].Text, "fail too") || got["b"].Status != "succeeded" {
		t.Errorf("%+v: %+v", r, got)
	}
	if none := readLetters(t, filepath.Join(dir, "none.jsonl")); len(none) != 0 {
		t.Errorf("%+v", none)
	}
	if n := len(execution(t, server)); n != 6 {
		t.Errorf("%d rows were executed, want 4 and the 2 that failed again", n)
	}
}

func execution(t *testing.T, server *simulator.Server) (all []simulator.Execution) {
	t.Helper()
	for e, err := range server.Executions() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func TestRetryRunsTheFailedRowsOfARunAgain(t *testing.T) {
	t.Parallel()
	var kind atomic.Bool
	server, dir := startSimulator(t, moody(&kind)), t.TempDir()
	writeFile(t, dir, "in.csv", "number;text", "7;fail", "8;fine", "9;fail, too")
	first := runCommand(t, dir, withKey, runArgs(server, "in.csv", "--out", "out.jsonl", "--model", "m", "--id", "number", "--prompt", "Say {{.text}}", "--delimiter", ";")...)
	if first.code != exitFailed {
		t.Fatalf("%+v", first)
	}
	again := append([]string{"retry", "in", "--base-url", server.URL + "/v1"}, fast...)
	still := runCommand(t, dir, withKey, append(again, "--out", "still.jsonl")...)
	if still.code != exitFailed || !still.says("failed 2") {
		t.Fatalf("%+v", still)
	}
	kind.Store(true)
	// The rows of a retry can be retried, and what has ended is not asked
	// again.
	again[1] = "in-retry"
	for range 2 {
		r := runCommand(t, dir, withKey, append(again, "--out", "better.jsonl", "--name", "better")...)
		got := readResults(t, filepath.Join(dir, "better.jsonl"))
		if r.code != exitOK || len(got) != 2 || !strings.Contains(got["9"].Text, "Say fail, too") {
			t.Errorf("%+v: %+v", r, got)
		}
	}
	if n := len(execution(t, server)); n != 3+2+2 {
		t.Errorf("%d rows were executed", n)
	}
	again[1] = "better"
	if r := runCommand(t, dir, withKey, append(again, "--out", "o.jsonl")...); r.code != exitUsage || !strings.Contains(r.stderr, "nothing to retry") {
		t.Errorf("%+v", r)
	}
}

func TestDeadLettersReplaceNothingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(2)...)
	writeFile(t, dir, "notes.txt", "mine")
	writeFile(t, dir, "draft.tmp", "mine")
	for file, want := range map[string]string{
		"in.jsonl": "is the input", "o.jsonl": "is --out", ".baler/x": "state directory", "notes.txt": "something else than dead letters", "no/x": "no such file",
		"draft": "draft.tmp holds something else",
	} {
		r := runCommand(t, dir, withKey, "run", "in.jsonl", "--out", "o.jsonl", "--model", "m", "--prompt", "{{.text}}", "--state", ".baler", "--dead-letters", file)
		if r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: %+v", file, r)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "notes.txt")); err != nil || string(b) != "mine\n" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestAnInputThatHasChangedGivesNoDeadLetters(t *testing.T) {
	t.Parallel()
	var kind atomic.Bool
	server, dir := startSimulator(t, moody(&kind)), t.TempDir()
	writeFile(t, dir, "in.jsonl", someFail...)
	runCommand(t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}")...)
	writeFile(t, dir, "in.jsonl", someFail[0], someFail[2])
	r := runCommand(t, dir, withKey, "retry", "in", "--base-url", server.URL+"/v1", "--out", "again.jsonl")
	if r.code == exitOK || !strings.Contains(r.stderr, "give the input as it was") {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(filepath.Join(dir, "again.jsonl.failed.jsonl")); err == nil {
		t.Error("a part of the rows was left")
	}
}

func TestWhereSelectsRows(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", `{"id":"1","lang":"de"}`, `{"id":"2","lang":"en"}`, `{"id":"3","lang":"de"}`)
	run := func(where string, args ...string) result {
		return runCommand(t, dir, withKey, runArgs(server, append([]string{"in.jsonl", "--out", "o.jsonl", "--model", "m", "--prompt", "{{.id}}", "--where", where}, args...)...)...)
	}
	for where, want := range map[string]string{`{{.lang}}`: "must print true or false", `{{eq .nope "de"}}`: `"nope"`, `{{`: "--where", `true`: "no field"} {
		if r := run(where, "--name", "bad"); r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: %+v", where, r)
		}
	}
	r := run(`{{eq .lang "de"}}`)
	var ids []string
	for id := range readResults(t, filepath.Join(dir, "o.jsonl")) {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if diff := cmp.Diff([]string{"1", "3"}, ids); r.code != exitOK || diff != "" || !r.says("left out 1") {
		t.Errorf("%s %+v", diff, r)
	}
	if r := run(`{{eq .lang "en"}}`); r.code != exitUsage || !strings.Contains(r.stderr, "--where") {
		t.Errorf("another --where: %+v", r)
	}
}
