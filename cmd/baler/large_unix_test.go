//go:build unix && !race

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

var (
	largeRows = flag.Int("large.rows", 48, "rows of TestLargeRowsPassInBoundedMemory")
	largeMiB  = flag.Int("large.mib", 1, "size of its requests and answers, in MiB")
)

// The command takes this much for itself, and some more for each MiB of a row,
// whatever the number of rows: a row is read, two are uploaded or downloaded
// and one is settled at a time, each in several forms. The garbage collector is
// told to leave nothing above gcMiB: how much it leaves otherwise depends on
// when the machine lets it run.
const (
	ownMiB    = 72
	largeCopy = 32
	gcMiB     = 40
)

// Requests and answers of up to the provider's limit pass. What is in memory at
// a time depends on their size and not on their number.
func TestLargeRowsPassInBoundedMemory(t *testing.T) {
	t.Parallel()
	size := *largeMiB << 20
	answer := func(simulator.Row) simulator.Reply { return simulator.Reply{Text: filler("answer", size)} }
	server, dir := startSimulator(t, simulator.Config{Answer: answer}), t.TempDir()
	writeLarge(t, filepath.Join(dir, "in.jsonl"), *largeRows, size)

	cmd := command(t.Context(), t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--no-cache")...)
	status := filepath.Join(dir, "status")
	cmd.Env = append(cmd.Env, statusFile+"="+status, fmt.Sprintf("GOMEMLIMIT=%dMiB", gcMiB))
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if n := checkLarge(t, filepath.Join(dir, "out.jsonl"), size); n != *largeRows {
		t.Errorf("%d results of %d rows", n, *largeRows)
	}
	peak, most := peakMiB(t, status), ownMiB+largeCopy**largeMiB
	t.Logf("at most %d MiB in memory, for %d MiB of requests and as much of answers", peak, *largeRows**largeMiB)
	if peak > most {
		t.Errorf("%d MiB were in memory, more than %d", peak, most)
	}
}

// filler is a text of size bytes.
func filler(word string, size int) string {
	return strings.Repeat(word+" ", size/(len(word)+1)+1)[:size]
}

// writeLarge writes requests of three kinds: with a long text, with a large
// image, and with a member that no chat has.
func writeLarge(t *testing.T, path string, rows, size int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for i := range rows {
		id := fmt.Sprintf("row%05d", i)
		content, more := `"`+filler(id, size)+`"`, ""
		switch i % 3 {
		case 1:
			content = `[{"type":"image_url","image_url":{"url":"data:image/png;base64,` + strings.Repeat(id, size/8) + `"}}]`
		case 2:
			more = `,"new_member":[1]`
		}
		fmt.Fprintf(w, `{"custom_id":"%s","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-test","messages":[{"role":"user","content":%s}]%s}}`+"\n",
			id, content, more)
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// checkLarge counts the results, which are those of a File.
func checkLarge(t *testing.T, path string, size int) (n int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen, want := make(map[string]bool), filler("answer", size)
	for d := json.NewDecoder(f); ; n++ {
		var r durable.Result
		if err := d.Decode(&r); errors.Is(err, io.EOF) {
			return n
		} else if err != nil {
			t.Fatal(err)
		}
		if seen[r.ID] || r.Status != durable.ItemSucceeded || r.Text != want {
			t.Errorf("row %s, %s: %d bytes of text, %v", r.ID, r.Status, len(r.Text), r.Error)
		}
		seen[r.ID] = true
	}
}

// peakMiB is how much a process had in memory at most, by the status that it
// has left. The usage that the system reports to its parent would not do: it
// counts the parent, which the process was forked from.
func peakMiB(t *testing.T, status string) int {
	t.Helper()
	text, err := os.ReadFile(status)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := bytes.Cut(text, []byte("VmHWM:"))
	if !ok {
		t.Skip("the system does not say what a process has in memory: only Linux does")
	}
	kib, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
	if err != nil {
		t.Fatal(err)
	}
	return kib >> 10
}
