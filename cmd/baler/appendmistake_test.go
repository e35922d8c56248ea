package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// A run that was given a wrong prompt once goes on with the right one.
func TestAppendWithAWrongPromptChangesNothing(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	night := func(code int, args ...string) result {
		t.Helper()
		r := runCommand(t, dir, withKey, asking(server, slices.Concat([]string{"a.jsonl", "--append", "--name", "n"}, args)...)...)
		if r.code != code {
			t.Fatalf("%v: %+v", args, r)
		}
		return r
	}
	writeFile(t, dir, "a.jsonl", `{"id":"1","text":"one"}`)
	night(exitOK)
	writeFile(t, dir, "a.jsonl", `{"id":"1","text":"one"}`, `{"id":"2","text":"two"}`)
	if r := night(exitUsage, "--prompt", "Sayy {{.text}}"); !strings.Contains(r.stderr, "has changed since it read a.jsonl:1") {
		t.Errorf("%+v", r)
	}
	night(exitOK)
	if got := readResults(t, filepath.Join(dir, "out.jsonl")); len(got) != 2 {
		t.Errorf("%+v", got)
	}
}

// What cannot go on is refused before anything is bought, and a drain counts
// until the run has ended.
func TestAppendIsRefusedOrGoesOn(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	run := func(code int, args ...string) result {
		t.Helper()
		r := runCommand(t, dir, withKey, asking(server, slices.Concat([]string{"a.jsonl"}, args)...)...)
		if r.code != code {
			t.Fatalf("%v: %+v", args, r)
		}
		return r
	}
	writeFile(t, dir, "a.jsonl", `{"id":"1","text":"one"}`)
	run(exitUsage, "--append", "--ordered")
	run(exitOK, "--append", "--name", "n", "--ingest")
	mustCommand(t, dir, "drain", "n")
	run(exitOK, "--append", "--name", "n")
	run(exitOK, "--name", "plain", "--out", "plain.jsonl")
	writeFile(t, dir, "a.jsonl", `{"id":"1","text":"one"}`, `{"id":"2","text":"two"}`)
	run(exitOK, "--append", "--name", "n")
	if got := readResults(t, filepath.Join(dir, "out.jsonl")); len(got) != 2 {
		t.Errorf("%+v", got)
	}
	if r := run(exitUsage, "--append", "--name", "plain", "--out", "plain.jsonl", "--id", "text"); !strings.Contains(r.stderr, `was begun with "id"`) {
		t.Errorf("%+v", r)
	}
	if r := run(exitUsage, "--append", "--name", "plain", "--out", "plain.jsonl", "--ids-per-file"); !strings.Contains(r.stderr, "--ids-per-file") {
		t.Errorf("%+v", r)
	}
}

// Results are not added to a file of another form.
func TestWhatIsAddedHasTheColumnsOfItsFile(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "jan.csv", "id,text,lang,cust", "a,one,en,X")
	writeFile(t, dir, "feb.csv", "id,text,cust,lang", "b,two,Y,de")
	run := func(code int, args ...string) result {
		t.Helper()
		r := runCommand(t, dir, withKey, asking(server, slices.Concat(args, []string{"--append", "--name", "n"})...)...)
		if r.code != code {
			t.Fatalf("%v: %+v", args, r)
		}
		return r
	}
	run(exitOK, "jan.csv", "--out", "o.csv", "--keep-fields", "all")
	bought := len(server.Batches())
	for _, args := range [][]string{{"--keep-fields", "all"}, {"--keep-fields", "lang"}, nil} {
		if r := run(exitUsage, append([]string{"feb.csv", "--out", "o.csv"}, args...)...); !strings.Contains(r.stderr, "columns") {
			t.Errorf("%+v", r)
		}
	}
	if r := run(exitUsage, "feb.csv", "--out", "o.csv", "--keep-fields", "id,text,lang,cust", "--output-format", "jsonl"); !strings.Contains(r.stderr, "--output-format") {
		t.Errorf("%+v", r)
	}
	if len(server.Batches()) != bought {
		t.Error("something was bought")
	}
	run(exitOK, "feb.csv", "--out", "o.csv", "--keep-fields", "id,text,lang,cust")
	if rows := readCSV(t, filepath.Join(dir, "o.csv")); len(rows) != 2 || rows[1]["lang"] != "de" || rows[1]["cust"] != "Y" {
		t.Errorf("%q", rows)
	}
}

// Results do not become rows of a directory that is the input.
func TestNothingIsWrittenIntoTheInput(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "docs"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "docs"), "a.txt", "one")
	for _, flags := range [][]string{{"--out", "docs/out.jsonl"}, {"--out", "docs/sub/out/"}, {"--dead-letters", "docs/d.jsonl"}, {"--events", "docs/e.jsonl"}, {"--rejects", "docs/r.jsonl"}} {
		if r := runCommand(t, dir, withKey, asking(server, append([]string{"docs"}, flags...)...)...); r.code != exitUsage || !strings.Contains(r.stderr, "is the input") {
			t.Errorf("%v: %+v", flags, r)
		}
	}
	if r := runCommand(t, dir, withKey, asking(server, "docs", "--out", "docs/.out.jsonl")...); r.code != exitOK {
		t.Errorf("%+v", r)
	}
}
