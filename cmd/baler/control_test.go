package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

// anHour is what a provider takes for a batch that is to be open for the length
// of a test, or until its clock is moved.
var anHour = simulator.Config{Latency: simulator.Latency{Processing: time.Hour}}

// process is a command that runs beside the test.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

func startCommand(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	ctx, kill := context.WithCancel(context.Background())
	p := &process{t: t, cmd: command(ctx, t, dir, withKey, args...)}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		kill()
		_ = p.cmd.Wait() // it was killed, or has been waited for
	})
	return p
}

// end waits for the process, after sending it a signal if there is one.
func (p *process) end(signals ...os.Signal) result {
	p.t.Helper()
	for _, s := range signals {
		if err := p.cmd.Process.Signal(s); err != nil {
			p.t.Fatal(err)
		}
	}
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return result{p.cmd.ProcessState.ExitCode(), p.stdout.String(), p.stderr.String()}
}

// statusOf asks another process how far a run is, until that is as it should
// be.
func statusOf(t *testing.T, dir, name string, want func(durable.Status) bool) durable.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		r := runCommand(t, dir, nil, "status", name, "--json")
		var s durable.Status
		if r.code == exitOK {
			if err := json.Unmarshal([]byte(r.stdout), &s); err != nil {
				t.Fatalf("%v: %+v", err, r)
			}
			if want(s) {
				return s
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never as it should be: %+v", r)
		}
	}
}

// open waits until a run has n batches open at the provider, and all are being
// worked on.
func open(n int, server *simulator.Server) func(durable.Status) bool {
	return func(s durable.Status) bool {
		submitted := 0
		for _, b := range s.Open {
			if b.State == "submitted" {
				submitted++
			}
		}
		working := 0
		for _, b := range server.Batches() {
			if b.Status == "in_progress" {
				working++
			}
		}
		return submitted == n && working == n
	}
}

func in(state durable.State) func(durable.Status) bool {
	return func(s durable.Status) bool { return s.State == state }
}

// mustCommand runs a command that needs no key.
func mustCommand(t *testing.T, dir string, args ...string) result {
	t.Helper()
	r := runCommand(t, dir, nil, args...)
	if r.code != exitOK {
		t.Fatalf("%v: %+v", args, r)
	}
	return r
}

func namedRun(server *simulator.Server, name string, args ...string) []string {
	all := runArgs(server, "in.jsonl", "--out", name+".jsonl", "--name", name, "--model", "m", "--prompt", "{{.text}}")
	return append(append(all, "--batch-size", "50"), args...)
}

func TestPausedAndResumedFromAnotherProcess(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, anHour), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(200)...)
	run := startCommand(t, dir, namedRun(server, "daily", "--max-in-flight", "2")...)
	statusOf(t, dir, "daily", open(2, server))
	if r := mustCommand(t, dir, "pause", "daily"); !r.says("state paused (process") || !strings.Contains(r.stdout, "baler resume daily") {
		t.Errorf("%+v", r)
	}
	if err := server.Advance(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	s := statusOf(t, dir, "daily", func(s durable.Status) bool { return len(s.Open) == 0 })
	if s.State != durable.StatePaused || s.Succeeded != 100 || s.Batches != 2 || len(server.Batches()) != 2 {
		t.Errorf("%+v, %d batches", s, len(server.Batches()))
	}
	mustCommand(t, dir, "resume", "daily")
	statusOf(t, dir, "daily", open(2, server))
	if r := runCommand(t, dir, nil, "wait", "daily", "--timeout", "10ms"); r.code != exitResumable || !strings.Contains(r.stderr, "--timeout") {
		t.Errorf("%+v", r)
	}
	wait := startCommand(t, dir, "wait", "daily", "--json")
	if err := server.Advance(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if r := run.end(); r.code != exitOK || !r.says("succeeded 200") {
		t.Errorf("%+v", r)
	}
	if r := wait.end(); r.code != exitOK || !strings.Contains(r.stdout, `"state":"completed"`) {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, nil, "cancel", "daily"); r.code != exitUsage || !strings.Contains(r.stderr, "completed") {
		t.Errorf("%+v", r)
	}
}

// startHalf starts the run "daily" of 400 rows, and returns when three batches
// are half done.
func startHalf(t *testing.T, cfg simulator.Config) (server *simulator.Server, dir string, args []string, run *process) {
	t.Helper()
	server, dir = startSimulator(t, cfg), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(400)...)
	args = namedRun(server, "daily", "--max-in-flight", "3")
	run = startCommand(t, dir, args...)
	statusOf(t, dir, "daily", open(3, server))
	if err := server.Advance(30 * time.Minute); err != nil {
		t.Fatal(err)
	}
	return server, dir, args, run
}

// wantCancelledRun checks that a cancelled run has kept what ran, that nothing
// was bought since there were so many batches, and that none is open.
func wantCancelledRun(t *testing.T, dir, name string, server *simulator.Server, bought, rows int) {
	t.Helper()
	bills, err := simulator.Tally(server.Executions(), simulator.AfterTag)
	if err != nil {
		t.Fatal(err)
	}
	for id, b := range bills {
		if b.Billed != 1 {
			t.Errorf("row %s was billed %d times", id, b.Billed)
		}
	}
	if n := len(bills); n == 0 || n == rows {
		t.Errorf("%d of %d rows ran", n, rows)
	}
	if got := readResults(t, filepath.Join(dir, name+".jsonl")); len(got) != len(bills) {
		t.Errorf("%d results, and %d rows were billed", len(got), len(bills))
	}
	for _, b := range server.Batches() {
		if b.Status != "cancelled" && b.Status != "completed" {
			t.Errorf("batch %s is %s", b.ID, b.Status)
		}
	}
	if n := len(server.Batches()); n != bought {
		t.Errorf("%d batches were bought after the cancel", n-bought)
	}
	s := statusOf(t, dir, name, in(durable.StateCancelled))
	if s.Settled() != len(bills) || s.Cancelled != rows-len(bills) || len(s.Open) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestCancelledFromAnotherProcess(t *testing.T) {
	t.Parallel()
	server, dir, args, run := startHalf(t, anHour)
	wait := startCommand(t, dir, "wait", "daily")
	mustCommand(t, dir, "cancel", "daily")
	bought := len(server.Batches())
	if r := run.end(); r.code != exitFailed || !r.says("cancelled") || !strings.Contains(r.stderr, "was cancelled on request") {
		t.Errorf("%+v", r)
	}
	if r := wait.end(); r.code != exitFailed || !r.says("state cancelled") {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, withKey, args...); r.code != exitFailed || !strings.Contains(r.stderr, "was cancelled on request") {
		t.Errorf("again: %+v", r)
	}
	wantCancelledRun(t, dir, "daily", server, bought, 400)
	if r := runCommand(t, dir, nil, "resume", "daily"); r.code != exitUsage || !strings.Contains(r.stderr, "new name") {
		t.Errorf("%+v", r)
	}
	mustCommand(t, dir, "cancel", "daily")
}

// Killed when it is asked to cancel, and again and again while it does, the run
// is cancelled all the same, and buys nothing more.
func TestKilledWhileCancelling(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	cfg := anHour
	cfg.Latency.Cancelling = 2 * time.Second
	server, dir, args, run := startHalf(t, cfg)
	cancel := startCommand(t, dir, "cancel", "daily")
	statusOf(t, dir, "daily", func(s durable.Status) bool { return s.Wanted == durable.StateCancelled })
	run.end(os.Kill)
	if r := cancel.end(); r.code != exitOK { // obeyed, or left to the next
		t.Errorf("%+v", r)
	}
	bought := len(server.Batches())
	if r := mustCommand(t, dir, "status", "daily"); !r.says("stopped") && !r.says("cancelled") {
		t.Errorf("%+v", r)
	}
	for range 8 {
		runCancelledAndKill(t, dir, rand.N(300*time.Millisecond), args)
	}
	if r := runCommand(t, dir, withKey, args...); r.code != exitFailed {
		t.Fatalf("%+v", r)
	}
	wantCancelledRun(t, dir, "daily", server, bought, 400)
}

// runCancelledAndKill is runAndKill for a run that may end, as a cancelled one.
func runCancelledAndKill(t *testing.T, dir string, after time.Duration, args []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	cmd := command(ctx, t, dir, withKey, args...)
	if out, err := cmd.CombinedOutput(); ctx.Err() == nil && cmd.ProcessState.ExitCode() != exitFailed {
		t.Fatalf("ended by itself: %v: %s", err, out)
	}
}

func TestInterruptDetaches(t *testing.T) {
	server, dir := startSimulator(t, anHour), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(100)...)
	args := namedRun(server, "run")
	run := startCommand(t, dir, args...)
	statusOf(t, dir, "run", open(2, server))
	if r := run.end(os.Interrupt); r.code != exitResumable {
		t.Errorf("%+v", r)
	}
	if r := mustCommand(t, dir, "status"); !r.says("state stopped") || !strings.Contains(r.stdout, "interrupted") || strings.Count(r.stdout, "open batch ") != 2 {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, nil, "wait", "run"); r.code != exitResumable {
		t.Errorf("%+v", r)
	}
	if err := server.Advance(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if r := runCommand(t, dir, withKey, args...); r.code != exitOK || len(server.Batches()) != 2 {
		t.Errorf("%+v, %d batches", r, len(server.Batches()))
	}
}

// A run whose process was killed is not taken for one that goes on.
func TestStatusOfAKilledRun(t *testing.T) {
	server, dir := startSimulator(t, anHour), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(100)...)
	run := startCommand(t, dir, namedRun(server, "daily")...)
	if s := statusOf(t, dir, "daily", open(2, server)); s.State != durable.StateRunning || s.PID != run.cmd.Process.Pid {
		t.Errorf("%+v", s)
	}
	run.end(os.Kill)
	r := mustCommand(t, dir, "status", "daily")
	if !r.says("state stopped") || !r.says("rows 100") || !strings.Contains(r.stdout, "run it again") {
		t.Errorf("%+v", r)
	}
	if r := mustCommand(t, dir, "pause", "daily"); !r.says("state stopped, to be paused") {
		t.Errorf("%+v", r)
	}
}

func TestTheTimeLimitOfARun(t *testing.T) {
	server, dir := startSimulator(t, anHour), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(100)...)
	r := runCommand(t, dir, withKey, namedRun(server, "daily", "--time-limit", "1s")...)
	if r.code != exitFailed || !strings.Contains(r.stderr, "time limit") {
		t.Errorf("%+v", r)
	}
	for _, b := range server.Batches() {
		if b.Status != "cancelled" {
			t.Errorf("batch %s is %s", b.ID, b.Status)
		}
	}
}

func TestRunsOfAStateDirectory(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(60)...)
	for _, name := range []string{"weekly", "daily"} {
		if r := runCommand(t, dir, withKey, namedRun(server, name)...); r.code != exitOK {
			t.Fatalf("%+v", r)
		}
	}
	var names []string
	for line := range strings.Lines(mustCommand(t, dir, "runs", "--json").stdout) {
		var s durable.Status
		if err := json.Unmarshal([]byte(line), &s); err != nil || s.State != durable.StateCompleted || s.Succeeded != 60 {
			t.Errorf("%v: %s", err, line)
		}
		names = append(names, s.Name)
	}
	if !slices.Equal(names, []string{"daily", "weekly"}) {
		t.Errorf("%v", names)
	}
	if r := mustCommand(t, dir, "runs"); !r.says("daily completed 60 60 0 0") {
		t.Errorf("%+v", r)
	}
}

func TestControlRefusesMistakes(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(10)...)
	if r := runCommand(t, dir, withKey, namedRun(server, "daily")...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	for _, test := range []struct {
		args string
		want string
	}{
		{"status weekly", `no run "weekly": it has daily`},
		{"cancel daily weekly", "takes the name of a run"},
		{"pause daily --state elsewhere", "elsewhere"},
		{"runs --state elsewhere", "elsewhere"},
		{"pause daily", "completed"},
		{"wait daily --timeout -1s", "--timeout"},
		{"run in.jsonl --out o --name=", "--name"},
		{"run in.jsonl --out o --time-limit -1s", "--time-limit"},
	} {
		if r := runCommand(t, dir, withKey, strings.Fields(test.args)...); r.code != exitUsage || !strings.Contains(r.stderr, test.want) {
			t.Errorf("%s: %+v", test.args, r)
		}
	}
}
