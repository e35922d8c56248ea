package simulator_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

// TestServeInSubprocess is not a test but the process that others kill.
func TestServeInSubprocess(t *testing.T) {
	dir := os.Getenv("SIMULATOR_TEST_DIR")
	if dir == "" {
		t.Skip("runs only as a subprocess of another test")
	}
	srv, err := simulator.Start("", simulator.Config{Dir: dir, Latency: simulator.Latency{Processing: 200 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("listening on", srv.URL)
	_ = srv.Wait(t.Context()) // until it is killed
}

// spawn starts a simulator in a process of its own.
func spawn(t *testing.T, dir string) (*exec.Cmd, openaitest.Client) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServeInSubprocess$")
	cmd.Env = append(os.Environ(), "SIMULATOR_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	url, found := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !found {
		t.Fatalf("subprocess said %q: %v", line, err)
	}
	return cmd, openaitest.NewClient(t, url)
}

func TestAKilledSimulatorGoesOnAndBillsOnce(t *testing.T) {
	const rows, kills = 3000, 8
	dir := t.TempDir()
	cmd, c := spawn(t, dir)
	var ids []string
	for range 3 {
		ids = append(ids, c.Create(c.Upload(openaitest.Many(rows)).ID).ID)
	}
	for range kills {
		pause := time.NewTimer(time.Duration(rand.IntN(150)) * time.Millisecond)
		<-pause.C
		kill(t, cmd)
		cmd, c = spawn(t, dir)
		for _, id := range ids {
			if b := c.Get(id); b.RequestCounts.Completed > rows {
				t.Fatalf("%+v", b)
			}
		}
	}
	for _, id := range ids {
		b := c.Await(id, "completed")
		if n := len(c.ByID(c.Lines(b.OutputFileID))); n != rows {
			t.Errorf("%s: %d results, want %d", id, n, rows)
		}
	}
	control := simulator.Control{URL: c.Base, Client: c.HTTP}
	byBatch := make(map[string]int)
	bills, err := simulator.Tally(func(yield func(simulator.Execution, error) bool) {
		for e, err := range control.Executions(t.Context()) {
			byBatch[e.Batch]++
			e.CustomID = e.Batch + " " + e.CustomID
			if !yield(e, err) {
				return
			}
		}
	}, func(id string) string { return id })
	if err != nil {
		t.Fatal(err)
	}
	for id, bill := range bills {
		if bill.Billed != 1 {
			t.Errorf("%s was billed %d times", id, bill.Billed)
		}
	}
	if len(bills) != 3*rows || len(byBatch) != 3 {
		t.Errorf("%d rows of %d batches in the ledger, want %d of 3", len(bills), len(byBatch), 3*rows)
	}
	var files openaitest.Page[openaitest.File]
	c.Do(200, "GET", "/v1/files?purpose=batch_output", "", &files)
	if len(files.Data) != 3 {
		t.Errorf("%d output files, want one for each batch", len(files.Data))
	}
	kill(t, cmd)
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // reports the kill
}
