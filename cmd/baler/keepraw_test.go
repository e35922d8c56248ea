package main

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/simulator"
)

// exported is what an export has of the batches together.
type exported struct {
	archive.Manifest
	outputs []archive.ExportedRow
	raw     map[sink.RawPart][]string // lines
}

// exportRun exports a run.
func exportRun(t *testing.T, dir, name string) (all exported) {
	t.Helper()
	to := t.TempDir()
	if r := runCommand(t, dir, nil, "export", name, "--dir", to); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	b, err := os.ReadFile(filepath.Join(to, "manifest.json"))
	if err == nil {
		err = json.Unmarshal(b, &all.Manifest)
	}
	if err != nil {
		t.Fatal(err)
	}
	all.raw = make(map[sink.RawPart][]string)
	for _, b := range all.Batches {
		for part, name := range b.Raw {
			all.raw[part] = append(all.raw[part], readLines(t, filepath.Join(to, name))...)
		}
		for _, line := range readLines(t, filepath.Join(to, b.Outputs)) {
			var row archive.ExportedRow
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			all.outputs = append(all.outputs, row)
		}
	}
	return all
}

// wantRaw fails unless each row that was answered is in exactly one line of the
// provider's files, with its answer.
func wantRaw(t *testing.T, all exported) {
	t.Helper()
	lines := make(map[string][]string) // by the id of their row
	for _, row := range all.outputs {
		lines[row.CustomID] = nil
	}
	for _, line := range append(all.raw[sink.RawOutput], all.raw[sink.RawErrors]...) {
		for part := range strings.SplitSeq(line, `"`) {
			if found, ok := lines[part]; ok {
				lines[part] = append(found, line)
				break
			}
		}
	}
	for _, row := range all.outputs {
		if found := lines[row.CustomID]; len(found) != 1 || !json.Valid([]byte(found[0])) {
			t.Fatalf("%d lines with %s: %q", len(found), row.CustomID, found)
		}
	}
}

// The files of each provider are kept on request, and its words about batches.
func TestTheProvidersFilesAreKept(t *testing.T) {
	t.Parallel()
	for _, p := range withClient() {
		server, dir := startSimulator(t, simulator.Config{Provider: p.Name, Seed: 3, Rows: simulator.RowFaults{BadRequest: 0.1}}), t.TempDir()
		writeFile(t, dir, "in.jsonl", tickets(60)...)
		r := runCommand(t, dir, withKey, "run", "in.jsonl", "--out", "out.jsonl", "--provider", p.Name, "--model", "m", "--prompt", "{{.text}}",
			"--base-url", server.BaseURL(p.Name), "--poll", "5ms", "--batch-size", "20", "--keep-raw", "--pause-above", "100%")
		if r.code != exitFailed {
			t.Fatalf("%s: %+v", p.Name, r)
		}
		all := exportRun(t, dir, "in")
		if len(all.outputs) != 60 || len(all.raw[sink.RawOutput])+len(all.raw[sink.RawErrors]) != 60 || len(all.raw[sink.RawBatch]) != 3 {
			t.Errorf("%s: %d outputs, %d lines of output, %d of errors, %q", p.Name, len(all.outputs), len(all.raw[sink.RawOutput]), len(all.raw[sink.RawErrors]), all.raw[sink.RawBatch])
		}
		wantRaw(t, all)
		if r := runCommand(t, dir, nil, "prune", "in"); r.code != exitOK || !strings.Contains(r.stdout, "of that the provider's own files") {
			t.Errorf("%s: %+v", p.Name, r)
		}
	}
}

// The process is killed again and again, and downloads break off: in the end
// each row is in one line of the provider's files.
func TestTheProvidersFilesAreKeptThroughKills(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	const rows, kills = 200, 6
	random, dir := rand.New(rand.NewPCG(7, 1)), t.TempDir()
	baseURL := startProcess(t, dir, "--chaos", "--validation", "100ms", "--processing", "500ms", "--finalizing", "100ms")
	writeFile(t, dir, "in.jsonl", tickets(rows)...)
	args := []string{
		"run", "in.jsonl", "--out", "out.jsonl", "--provider", defaultProvider.Name, "--model", "m", "--prompt", "{{.text}}",
		"--base-url", baseURL, "--poll", "20ms", "--grace", "2s", "--max-wait", "1s", "--batch-size", "25", "--retries", "20", "--keep-raw",
	}
	for range kills {
		if _, stopped, err := endAfter(t, dir, withKey, time.Duration(150+random.IntN(350))*time.Millisecond, false, args); err == nil {
			break // done sooner than expected, which another machine may be
		} else if !stopped {
			t.Fatal(err)
		}
	}
	if r := runCommand(t, dir, withKey, args...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	all := exportRun(t, dir, "in")
	wantRaw(t, all)
	if len(all.outputs) < rows {
		t.Errorf("%d answers for %d rows", len(all.outputs), rows)
	}
}
