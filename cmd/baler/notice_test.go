package main

import (
	"bufio"
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

func TestNoticeTellsWhatSinceWhenNextAndWhatToDo(t *testing.T) {
	at := time.Date(2026, 11, 28, 15, 4, 5, 0, time.Local)
	n := durable.Notice{Text: "upload failed: no route", Batch: "batch_1", Since: at, Times: 1, Next: at.Add(time.Minute), Advice: "check the network"}
	if got, want := noticeText(n), "batch batch_1: upload failed: no route; next try at 2026-11-28 15:05:05; check the network"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	n.Times, n.Batch, n.Next = 1200, "", time.Time{}
	if got, want := noticeText(n), "upload failed: no route; 1,200 times since 2026-11-28 15:04:05; check the network"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	var b bytes.Buffer
	printStatus(&b, durable.Status{Notices: []durable.Notice{n}})
	if !strings.Contains(strings.Join(strings.Fields(b.String()), " "), "notice "+noticeText(n)) {
		t.Errorf("the status does not show it:\n%s", b.String())
	}
}

// The first word about a provider that cannot be reached comes at once, on
// stderr and in the status, without a flag.
func TestUnreachableProviderIsToldAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(3)...)
	cmd := command(t.Context(), t, dir, withKey, "run", "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}",
		"--base-url", "http://127.0.0.1:1/v1", "--name", "run") // nobody listens
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "notice: ") {
	}
	for _, word := range []string{"127.0.0.1 cannot be reached", "connection refused", "; next try at ", "base URL"} {
		if !strings.Contains(lines.Text(), word) {
			t.Errorf("no %q in %q", word, lines.Text())
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitResumable {
		t.Errorf("exit code %d", code)
	}
	if r := runCommand(t, dir, withKey, "status", "run"); !r.says("notice 127.0.0.1 cannot be reached") {
		t.Errorf("status: %+v", r)
	}
}

func TestDoctorTellsWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	server := startSimulator(t, simulator.Config{Faults: []simulator.Fault{{Action: simulator.ActionFail, Status: 503}}})
	dir := t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(3)...)
	run := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}")
	if r := runCommand(t, dir, withKey, append(run, "--ingest")...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	r := runCommand(t, dir, withKey, "doctor", "--orphans", "--base-url", server.URL+"/v1")
	if r.code != exitOK || !strings.Contains(r.stderr, "notice: ") || !strings.Contains(r.stderr, "503") || !strings.Contains(r.stderr, "next try at") {
		t.Errorf("%+v", r)
	}
}
