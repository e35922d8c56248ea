package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// answersIn reads the results in a file, by id.
func answersIn(t *testing.T, path string) map[string]map[string]any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]map[string]any)
	for line := range strings.Lines(string(text)) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		all[r["id"].(string)] = r
	}
	return all
}

const ticketSchema = `{
  "type": "object",
  "properties": {"why": {"type": "string", "minLength": 3}, "kind": {"enum": ["bug", "bill"]}},
  "required": ["why"]
}`

// --schema goes through plan, preview, run, results and retry. One answer is
// wrong at first, one always.
func TestRunWithASchema(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		body := string(r.Body)
		again := strings.Contains(body, "cannot be used: at /why: minLength: got 2, want 3")
		switch {
		case strings.Contains(body, "refuse") && !again:
			return simulator.Reply{Refusal: "I will not"}
		case strings.Contains(body, "never") || strings.Contains(body, "later") && !again:
			return simulator.Reply{Text: `{"why":"no","kind":null}`}
		}
		return simulator.Reply{Text: `{"why":"yes","kind":null}`}
	}}), t.TempDir()
	writeFile(t, dir, "in.jsonl", `{"id":"a","text":"now"}`, `{"id":"b","text":"later"}`, `{"id":"c","text":"never"}`, `{"id":"d","text":"refuse"}`)
	writeFile(t, dir, "ticket.json", ticketSchema)
	flags := []string{"--model", "m", "--prompt", "{{.text}}", "--schema", "ticket.json"}
	if r := runCommand(t, dir, withKey, append([]string{"plan", "in.jsonl"}, flags...)...); r.code != exitOK || !r.says("the answer is checked: #/properties/why/minLength") {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, withKey, append([]string{"preview", "in.jsonl"}, flags...)...); r.code != exitOK || !r.says(`"name":"ticket","schema":{"type":"object"`) {
		t.Errorf("%+v", r)
	}
	args := append(runArgs(server, "in.jsonl", "--out", "out.jsonl", "--pause-above", "100%"), flags...)
	for range 2 {
		if r := runCommand(t, dir, withKey, args...); r.code != exitFailed || !r.says("invalid_answer") {
			t.Fatalf("%+v", r)
		}
	}
	got := answersIn(t, filepath.Join(dir, "out.jsonl"))
	for _, id := range []string{"a", "b"} {
		if value, _ := got[id]["value"].(map[string]any); len(value) != 1 || value["why"] != "yes" || got[id]["finish"] != "stop" {
			t.Errorf("%s: %v", id, got[id])
		}
	}
	if c := got["c"]; c["value"] != nil || c["text"] != `{"why":"no","kind":null}` || c["attempts"] != 2.0 {
		t.Errorf("%v", c)
	}
	if d := got["d"]; d["refusal"] != "I will not" || d["status"] != "failed" {
		t.Errorf("%v", d)
	}
	results := runCommand(t, dir, withKey, "results", "in")
	file, _ := os.ReadFile(filepath.Join(dir, "out.jsonl"))
	if results.code != exitOK || sortedLines(results.stdout) != sortedLines(string(file)) {
		t.Errorf("%+v", results)
	}
	again := runArgs(server, "in", "--out", "again.jsonl", "--pause-above", "100%", "--reasks", "0", "--no-cache")
	again[0] = "retry"
	if r := runCommand(t, dir, withKey, again...); r.code != exitFailed || !r.says("invalid_answer") {
		t.Errorf("%+v", r)
	}
	if c := answersIn(t, filepath.Join(dir, "again.jsonl"))["c"]; c["attempts"] != 1.0 {
		t.Errorf("%v", c)
	}
}

func sortedLines(text string) string {
	return strings.Join(slices.Sorted(strings.Lines(text)), "")
}

// What is wrong with a schema or a check is said before anything is bought, and
// a run that goes on has the same.
func TestSchemasAndChecksThatAreRefused(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", `{"id":"a","text":"now"}`)
	writeFile(t, dir, "ticket.json", ticketSchema)
	writeFile(t, dir, "map.json", `{"type":"object","properties":{"a":{"type":"object"}}}`)
	writeFile(t, dir, "bad.json", `{`, `type: 1}`)
	base := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}")
	for flags, want := range map[string]string{
		"--schema none.json":           "none.json",
		"--schema bad.json":            "is not JSON: line 2: ",
		"--schema map.json":            "#/properties/a is an object of any members",
		"--check /(/":                  "--check",
		"--check no-such-command-here": "there is no command",
		"--reasks -1":                  "--reasks is -1",
		"--retry-truncated -1":         "--retry-truncated is -1",
	} {
		if r := runCommand(t, dir, withKey, append(slices.Clone(base), strings.Fields(flags)...)...); r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: %+v", flags, r)
		}
	}
	if n := len(server.Batches()); n != 0 {
		t.Errorf("%d batches", n)
	}
	if r := runCommand(t, dir, withKey, append(slices.Clone(base), "--schema", "ticket.json")...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	for flags, want := range map[string]string{"": "answer schema", "--schema ticket.json --check /x/": "--check"} {
		if r := runCommand(t, dir, withKey, append(slices.Clone(base), strings.Fields(flags)...)...); r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%q: %+v", flags, r)
		}
	}
}

// An answer passes a regular expression, or a command.
func TestRunWithACheck(t *testing.T) {
	t.Parallel()
	for _, check := range []string{"/^(yes|no)$/", "grep -qx yes"} {
		server, dir := startSimulator(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
			if strings.Contains(string(r.Body), "fine") {
				return simulator.Reply{Text: "yes"}
			}
			return simulator.Reply{Text: "perhaps"}
		}}), t.TempDir()
		writeFile(t, dir, "in.jsonl", `{"id":"a","text":"fine"}`, `{"id":"b","text":"well"}`)
		args := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", "--check", check, "--reasks", "2", "--pause-above", "100%")
		if r := runCommand(t, dir, append(slices.Clone(withKey), "PATH="+os.Getenv("PATH")), args...); r.code != exitFailed {
			t.Errorf("%+v", r)
		}
		got := answersIn(t, filepath.Join(dir, "out.jsonl"))
		if got["a"]["status"] != "succeeded" || got["b"]["status"] != "failed" || got["b"]["text"] != "perhaps" || got["b"]["attempts"] != 3.0 {
			t.Errorf("%s: %v", check, got)
		}
	}
}

// What a command prints is what is wrong, up to a length. It knows the row.
func TestACheckSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := filepath.Join(dir, "check.sh")
	writeFile(t, dir, "check.sh", "#!/bin/sh", `[ "$(cat)" = yes ] && exit 0`, `echo "$BALER_ID: say yes"`, "exit 1")
	if err := os.Chmod(script, 0o700); err != nil {
		t.Fatal(err)
	}
	err := runCheck(script, nil, "row-7", "no")
	if err == nil || err.Error() != "row-7: say yes" || runCheck(script, nil, "row-7", "yes") != nil {
		t.Errorf("error %v", err)
	}
	if err := runCheck("/bin/sh", []string{"-c", "kill -9 $$"}, "", ""); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("error %v", err)
	}
}
