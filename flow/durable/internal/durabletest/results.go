package durabletest

import (
	"bufio"
	"encoding/json"
	"iter"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/sink/simulator"
)

// Results returns the results in the output by id, and fails on a line that is
// torn or repeated.
func (w *World) Results() map[string]durable.Result {
	w.T.Helper()
	f, err := os.Open(w.Path("out.jsonl"))
	if err != nil {
		w.T.Fatal(err)
	}
	defer f.Close()
	got := make(map[string]durable.Result)
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r durable.Result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			w.T.Fatalf("torn line: %v: %s", err, lines.Bytes())
		}
		if _, ok := got[r.ID]; ok {
			w.T.Fatalf("id %s twice", r.ID)
		}
		got[r.ID] = r
	}
	return got
}

// WantBilledOnce fails unless the provider has billed n rows, each once.
func (w *World) WantBilledOnce(n int) {
	w.T.Helper()
	bills, err := simulator.Tally(w.Server.Executions(), simulator.AfterTag)
	if err != nil {
		w.T.Fatal(err)
	}
	for id, b := range bills {
		if b.Billed > 1 {
			w.T.Errorf("row %s was billed %d times", id, b.Billed)
		}
	}
	if len(bills) != n {
		w.T.Errorf("%d rows were executed, want %d", len(bills), n)
	}
}

// Lines returns the lines of the output.
func (w *World) Lines() []string {
	w.T.Helper()
	b, err := os.ReadFile(w.Path("out.jsonl"))
	if err != nil {
		w.T.Fatal(err)
	}
	return slices.Collect(strings.Lines(string(b)))
}

// Archive opens the archive of a run until the test ends.
func (w *World) Archive(name string) *archive.Archive {
	w.T.Helper()
	a, err := archive.Open(w.StateDir(), name)
	if err != nil {
		w.T.Fatal(err)
	}
	w.T.Cleanup(func() {
		if err := a.Close(); err != nil {
			w.T.Error(err)
		}
	})
	return a
}

// Collect collects results, as the lines that an output would hold.
func Collect(tb testing.TB, results iter.Seq2[archive.Result, error]) (lines []string, stored []archive.Result) {
	tb.Helper()
	for r, err := range results {
		if err != nil {
			tb.Fatal(err)
		}
		var line strings.Builder
		if err := r.WriteLine(&line); err != nil {
			tb.Fatal(err)
		}
		lines = append(lines, line.String())
		stored = append(stored, r)
	}
	return lines, stored
}

// Billed returns how many rows the provider wants money for.
func (w *World) Billed() (n int) {
	w.T.Helper()
	for e, err := range w.Server.Executions() {
		if err != nil {
			w.T.Fatal(err)
		}
		if e.Billed() {
			n++
		}
	}
	return n
}
