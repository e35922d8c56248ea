package main

import (
	"bufio"
	"cmp"
	"context"
	"flag"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/simulator"
)

var (
	crashRows  = flag.Int("crash.rows", 2000, "rows of the crash test")
	crashBatch = flag.String("crash.batch", "250", "rows in a batch of the crash test")
	crashKills = flag.Int("crash.kills", 20, "how often the crash test kills the client")
	crashSeed  = flag.Uint64("crash.seed", 0, "seed of the crash test; 0 draws one")
	crashAll   = flag.Bool("crash.all", false, "kill the clients of all providers as often as that of the first, also where they store files")
)

// startProcess starts a simulator as a process and returns its base URL.
func startProcess(t *testing.T, dir string, args ...string) (baseURL string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := command(ctx, t, dir, nil, append([]string{"simulate", "--addr", "127.0.0.1:0", "--dir", "provider"}, args...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "simulator: "))
}

// The client is killed again and again, while the provider loses replies and
// fails requests and rows; or it is interrupted, or ends itself as a look at a
// batch is refused, whatever else is under way. In the end every row has its
// result once, was paid for once, and no batch was created twice.
func TestKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills processes for half a minute")
	}
	killAgainAndAgain(t, &defaultProvider, *crashRows, *crashKills, *crashBatch)
}

// The same holds for clients of the other providers. Unless all of them are to
// be killed, it is that of the one whose batches are the hardest to find again.
func TestOthersAreKilledToo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	for _, p := range withClient() {
		switch {
		case p.Name == defaultProvider.Name:
		case *crashAll:
			t.Run(p.Name, func(t *testing.T) { killAgainAndAgain(t, &p, *crashRows, *crashKills, *crashBatch) })
		case p.Name == "anthropic":
			t.Run(p.Name, func(t *testing.T) { killAgainAndAgain(t, &p, 200, 5, "40") })
		}
	}
}

func killAgainAndAgain(t *testing.T, p *catalog.Provider, rows, kills int, batch string) {
	t.Helper()
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("replay with -crash.seed=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	dir := t.TempDir()
	processing := time.Duration(kills) * 150 * time.Millisecond // so that it outlasts the kills
	baseURL := startProcess(t, dir, "--provider", p.Name, "--chaos", "--validation", "300ms", "--processing", processing.String(), "--finalizing", "300ms")
	writeFile(t, dir, "in.jsonl", tickets(rows)...)
	args := []string{
		"run", "in.jsonl", "--out", "out.jsonl", "--provider", p.Name, "--model", "m", "--prompt", "Summarise: {{.text}}",
		"--base-url", baseURL, "--poll", "20ms", "--grace", "2s", "--max-wait", "1s", "--batch-size", batch, "--retries", "20",
	}

	provider, cfg := controlOf(t, baseURL), simulator.Config{Provider: p.Name}
	if err := provider.SetFaults(t.Context(), append(chaosFaults(cfg), revoked(cfg)...)...); err != nil {
		t.Fatal(err)
	}
	for n := range kills {
		after := time.Duration(random.Int64N(int64(400 * time.Millisecond)))
		if !endSomehow(t, dir, withKey, after, n%3 == 2, args) {
			t.Fatalf("finished after %d kills: the job is too small", n)
		}
	}
	if err := provider.SetFaults(t.Context(), chaosFaults(cfg)...); err != nil {
		t.Fatal(err)
	}
	if r := runCommand(t, dir, withKey, args...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	wantExactlyOnce(t, dir, baseURL, rows)
}

// revoked are polls that are refused at times.
func revoked(cfg simulator.Config) (faults []simulator.Fault) {
	for _, route := range cfg.Routes() {
		if route.Kind == simulator.RoutePoll {
			faults = append(faults, simulator.Fault{Route: route.Name, Action: simulator.ActionFail, Status: 401, Probability: 0.02})
		}
	}
	return faults
}

// controlOf controls the simulator that has a base URL.
func controlOf(t *testing.T, baseURL string) simulator.Control {
	t.Helper()
	u, err := url.Parse(baseURL)
	if err != nil {
		t.Fatal(err)
	}
	return simulator.Control{URL: u.Scheme + "://" + u.Host}
}

// Killed in its first moments, while the directory and the index come into
// being, the client starts all the same the next time.
func TestKilledWhileStarting(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	server := startSimulator(t, simulator.Config{})
	for range 15 {
		dir := t.TempDir()
		writeFile(t, dir, "in.jsonl", tickets(20)...)
		args := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}")
		for range 3 {
			runAndKill(t, dir, 10*time.Millisecond+rand.N(60*time.Millisecond), args)
		}
		if r := runCommand(t, dir, withKey, args...); r.code != exitOK {
			t.Fatalf("%+v", r)
		}
		if n := len(readResults(t, filepath.Join(dir, "out.jsonl"))); n != 20 {
			t.Fatalf("%d results", n)
		}
	}
}

// endSomehow starts the client and kills it after a while, or interrupts it,
// unless it has ended before. It reports whether something is left to do.
func endSomehow(t *testing.T, dir string, env []string, after time.Duration, interrupt bool, args []string) bool {
	t.Helper()
	out, stopped, err := endAfter(t, dir, env, after, interrupt, args)
	if !stopped && err != nil && !strings.Contains(out, "HTTP 401") {
		t.Fatalf("ended by itself: %v: %s", err, out)
	}
	return err != nil
}

// endAfter starts the client and kills it after a while, or interrupts it, unless
// it has ended before. It returns what the client has said, and whether it was
// stopped.
func endAfter(t *testing.T, dir string, env []string, after time.Duration, interrupt bool, args []string) (out string, stopped bool, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	cmd := command(ctx, t, dir, env, args...)
	if interrupt {
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	}
	text, err := cmd.CombinedOutput()
	return string(text), ctx.Err() != nil, err
}

// runAndKill starts the client and kills it after a while, unless it is done.
func runAndKill(t *testing.T, dir string, after time.Duration, args []string) (killed bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	cmd := command(ctx, t, dir, withKey, args...)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return true
	}
	if err != nil {
		t.Fatalf("ended by itself: %v: %s", err, out)
	}
	return false
}

// wantExactlyOnce compares the output of a run with what the provider did for
// it.
func wantExactlyOnce(t *testing.T, dir, baseURL string, rows int) {
	t.Helper()
	got := readResults(t, filepath.Join(dir, "out.jsonl"))
	if len(got) != rows {
		t.Errorf("%d results for %d rows", len(got), rows)
	}
	wantExecutedOnce(t, baseURL, rows)
}

// wantExecutedOnce fails unless the provider has executed so many rows, each
// once, and created no batch twice.
func wantExecutedOnce(t *testing.T, baseURL string, rows int) {
	t.Helper()
	provider := controlOf(t, baseURL)
	bills, err := simulator.Tally(provider.Executions(t.Context()), simulator.AfterTag)
	if err != nil {
		t.Fatal(err)
	}
	if len(bills) != rows {
		t.Errorf("%d rows were executed", len(bills))
	}
	for id, b := range bills {
		if b.Billed != 1 {
			t.Errorf("row %s was billed %d times", id, b.Billed)
		}
	}
	batches, err := provider.Batches(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	made := make(map[string]string) // the batch of each tag
	once := func(tag, batch string) {
		if first, ok := made[tag]; ok && first != batch {
			t.Errorf("batches %s and %s were both created for %s", first, batch, tag)
		}
		made[tag] = batch
	}
	for _, b := range batches {
		if tag := cmp.Or(b.Metadata["baler_tag"], b.Name); tag != "" {
			once(tag, b.ID)
		}
	}
	for e, err := range provider.Executions(t.Context()) { // some providers keep no tag but in the ids of rows
		if err != nil {
			t.Fatal(err)
		}
		tag, _, _ := strings.Cut(e.CustomID, "_")
		once(tag, e.Batch)
	}
	t.Logf("%d batches for %d rows that were executed", len(batches), rows)
}
