//go:build unix && !race

package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

var oneBatchRows = flag.Int("onebatch.rows", 5000, "rows of TestOneBatchOfAllRowsIsSettled; Anthropic takes 100,000")

// perRow is what a row of a batch may have in memory, in bytes: its place in
// the batch, its fingerprint, and whether it came.
const perRow = 1 << 10

// The largest batch that any provider takes is one request with all rows in it,
// and one stream of results.
func TestOneBatchOfAllRowsIsSettled(t *testing.T) {
	t.Parallel()
	server, dir, rows := startSimulator(t, simulator.Config{}), t.TempDir(), *oneBatchRows
	writeFile(t, dir, "in.jsonl", tickets(rows)...)
	cmd := command(t.Context(), t, dir, withKey,
		"run", "in.jsonl", "--out", "out.jsonl", "--provider", "anthropic", "--base-url", server.URL+"/anthropic", "--model", "claude-test",
		"--prompt", "Summarise: {{.text}}", "--batch-size", fmt.Sprint(rows), "--max-wait", "1h", "--poll", "100ms")
	status := filepath.Join(dir, "status")
	cmd.Env = append(cmd.Env, statusFile+"="+status)
	start := time.Now()
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	took := time.Since(start)
	if n := countSucceeded(t, filepath.Join(dir, "out.jsonl")); n != rows {
		t.Errorf("%d results of %d rows", n, rows)
	}
	if batches := server.Batches(); len(batches) != 1 || batches[0].Rows != rows {
		t.Errorf("batches %+v", batches)
	}
	peak, most := peakMiB(t, status), ownMiB+rows*perRow>>20
	t.Logf("%d rows in one batch, settled in %s with at most %d MiB in memory", rows, took.Round(time.Millisecond), peak)
	if peak > most {
		t.Errorf("%d MiB were in memory, more than %d", peak, most)
	}
}

// countSucceeded counts the rows that succeeded, each once.
func countSucceeded(t *testing.T, path string) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen := make(map[string]bool)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r durable.Result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil || r.Status != durable.ItemSucceeded || seen[r.ID] {
			t.Fatalf("%s: %v", lines.Bytes(), err)
		}
		seen[r.ID] = true
	}
	return len(seen)
}
