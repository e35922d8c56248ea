package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// The commands of docs/tasks.md, one after the other, do what they are for.
func TestTasks(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "tasks.md"))
	if err != nil {
		t.Fatal(err)
	}
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "tickets.csv", "id,lang,text", "T-1,en,My parcel is late", "T-2,de,Die Rechnung ist falsch", "T-3,en,I want a refund [[400]]")
	writeFile(t, dir, "ticket.schema.json", `{"type":"object","properties":{"topic":{"type":"string"}},"required":["topic"],"additionalProperties":false}`)
	if err := os.Mkdir(filepath.Join(dir, "contracts"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "contracts/a.txt", "It ends in May.")
	writeFile(t, dir, "contracts/b.txt", "It ends in June.")
	const none = ""
	want := []struct{ says, file, has string }{
		{"rows 3", none, none},
		{"succeeded 2", "results.jsonl", `"id":"T-1"`},
		{none, "report.html", "invalid_value"},
		{"rows 1", "again.jsonl", `"T-3"`},
		{"succeeded 2", "topics.jsonl", `"value":{"topic"`},
		{"succeeded 1", "german.csv", ",de\r\n"},
		{"rows 6", "compared.jsonl", `"route":"large"`},
		{"succeeded 2", "contracts.jsonl", "a.txt"},
		{"succeeded 2", "nightly.jsonl", `"T-2"`},
		{"succeeded 2", "ended.jsonl", `"event":"ended"`},
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "baler ") {
			continue
		}
		if n == len(want) {
			t.Fatal("docs/tasks.md has more commands than the test")
		}
		cmd := shell(t, dir, server.URL, strings.TrimSpace(line))
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run() // the exit code tells
		r := result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
		if r.code > exitFailed || !r.says(want[n].says) {
			t.Errorf("%s%+v, want %q", line, r, want[n].says)
		}
		if name := want[n].file; name != none {
			if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.Contains(string(got), want[n].has) {
				t.Errorf("%s%v, %.300s, want %q", line, err, got, want[n].has)
			}
		}
		n++
	}
	if n != len(want) {
		t.Errorf("docs/tasks.md has %d commands", n)
	}
}
