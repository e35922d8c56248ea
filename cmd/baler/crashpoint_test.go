//go:build crashpoint

package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/balerhq/baler/internal/crashpoint"
	"github.com/balerhq/baler/sink/llm/document/documenttest"
	"github.com/balerhq/baler/sink/simulator"
)

const (
	pointRows  = 30
	pointBatch = "10"
)

var (
	crashTwice = flag.Bool("crash.twice", false, "let the client die a second time while it recovers")
	crashLose  = flag.Int("crash.lose", 4, "lose the index after one crash in so many, and have it made again; 0 never")
)

// crashWorld is a provider and a directory for one run: three batches, and one
// more of the rows that fail at first.
type crashWorld struct {
	t      *testing.T
	server *simulator.Server
	dir    string
	fatal  []string // the command that dies, and is given again
	bought int      // batches, before it does
	asked  int      // rows that are executed, of pointRows
}

func newCrashWorld(t *testing.T) *crashWorld {
	t.Helper()
	w := &crashWorld{t: t, server: startSimulator(t, simulator.Config{Answer: failSomeOnce()}), dir: t.TempDir(), asked: pointRows}
	writeFile(t, w.dir, "in.jsonl", tickets(pointRows)...)
	w.fatal = w.buying("in.jsonl", "--out", "out.jsonl")
	return w
}

// reusing is a world in which all was answered in another run.
func reusing(t *testing.T) *crashWorld {
	t.Helper()
	w := newCrashWorld(t)
	w.mustRun(w.buying("in.jsonl", "--out", "one.jsonl", "--name", "one"))
	w.bought = len(w.server.Batches())
	writeFile(t, w.dir, "two.jsonl", others(pointRows)...)
	w.fatal = w.buying("two.jsonl", "--out", "out.jsonl", "--name", "two")
	return w
}

// following is a world in which every other row follows one.
func following(t *testing.T) *crashWorld {
	t.Helper()
	w := newCrashWorld(t)
	w.asked = pointRows / 2
	writeFile(t, w.dir, "in.jsonl", append(tickets(w.asked), others(w.asked)...)...)
	return w
}

// storing are the providers that store files of rows: a model and the address
// of each.
var storing = map[string]struct{ model, path string }{
	"openai": {"m", "/v1"}, "anthropic": {"claude-m", "/anthropic"}, "gemini": {"gemini-m", "/gemini"}, "mistral": {"mistral-m", "/mistral"},
}

// attaching is a world in which all rows have a file that is stored once.
func attaching(t *testing.T, provider string) *crashWorld {
	t.Helper()
	w := newCrashWorld(t)
	at := storing[provider]
	w.fatal = append(w.fatal, "--model", at.model, "--base-url", w.server.URL+at.path)
	if err := os.WriteFile(filepath.Join(w.dir, "all.pdf"), documenttest.PDF("words that all rows share"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.fatal = append(w.fatal, "--file", "all.pdf", "--file-upload", "auto")
	return w
}

// adopting is a world in which all was bought, and the state directory was
// lost.
func adopting(t *testing.T) *crashWorld {
	t.Helper()
	w := newCrashWorld(t)
	// The rows that failed at first wait for one another, so that there are as
	// many batches in each world.
	run := w.buying("in.jsonl", "--out", "out.jsonl", "--keep-remote", "--max-wait", "1m")
	w.mustRun(run)
	w.bought = len(w.server.Batches())
	for _, name := range []string{".baler", "out.jsonl"} {
		if err := os.RemoveAll(filepath.Join(w.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	w.mustRun(append(run, "--ingest"))
	w.fatal = []string{"doctor", "--adopt", "in", "--base-url", w.server.URL + "/v1"}
	return w
}

// buying is a command that runs an input.
func (w *crashWorld) buying(args ...string) []string {
	return append([]string{
		"run", "--model", "m", "--prompt", "Summarise: {{.text}}",
		"--base-url", w.server.URL + "/v1", "--poll", "5ms", "--grace", "300ms", "--max-wait", "50ms",
		"--batch-size", pointBatch,
	}, args...)
}

func (w *crashWorld) mustRun(args []string) {
	w.t.Helper()
	if r := runCommand(w.t, w.dir, withKey, args...); r.code != exitOK {
		w.t.Fatalf("%+v", r)
	}
}

// failSomeOnce is a model that fails every tenth row when it sees it first.
func failSomeOnce() func(simulator.Row) simulator.Reply {
	var seen sync.Map
	return func(r simulator.Row) simulator.Reply {
		if prompt := r.Prompt(); strings.HasSuffix(prompt, "7") {
			if _, again := seen.LoadOrStore(prompt, true); !again {
				return simulator.Reply{Error: &simulator.RowError{Status: 500, Code: "server_error"}}
			}
		}
		return simulator.Echo(r)
	}
}

// point is one that a run comes by: its name, and how often it was met by then.
// What is concurrent may change places, so that the nth point of two runs may
// have different names.
type point struct {
	name string
	nth  int
}

// numbered are the points of a run.
func numbered(names []string) []point {
	met := make(map[string]int)
	points := make([]point, len(names))
	for i, name := range names {
		met[name]++
		points[i] = point{name, met[name]}
	}
	return points
}

// inAll are the points that every one of some runs comes by: what is concurrent
// may meet in one commit, so that a run comes by a few points less than another.
func inAll(runs ...[]point) []point {
	first := runs[0]
	for _, other := range runs[1:] {
		first = slices.DeleteFunc(first, func(p point) bool { return !slices.Contains(other, p) })
	}
	return first
}

// run runs the client to its end.
func (w *crashWorld) run() {
	w.t.Helper()
	if w.runUntil(point{}) {
		w.t.Fatal("killed, though nobody asked for it")
	}
}

// runUntil runs the client to its death at a point, or to its end.
func (w *crashWorld) runUntil(p point) (killed bool) {
	w.t.Helper()
	env := append(slices.Clone(withKey), crashpoint.Trace+"="+w.trace())
	if p != (point{}) {
		env = append(env, fmt.Sprintf("%s=%d %s", crashpoint.At, p.nth, p.name))
	}
	if err := os.RemoveAll(w.trace()); err != nil {
		w.t.Fatal(err)
	}
	cmd := command(w.t.Context(), w.t, w.dir, env, w.fatal...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return false
	case errors.As(err, &exit) && !exit.Exited(): // by a signal
		return true
	}
	w.t.Fatalf("ended by itself: %v: %s", err, out)
	return false
}

// loseIndex deletes the index, and lets the doctor make it again.
func (w *crashWorld) loseIndex() {
	w.t.Helper()
	if err := os.RemoveAll(filepath.Join(w.dir, ".baler", "index")); err != nil {
		w.t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(w.dir, ".baler", "STATE.json")); err != nil {
		return // it died before there was anything to lose
	}
	if r := runCommand(w.t, w.dir, nil, "doctor", "--repair"); r.code != exitOK {
		w.t.Fatalf("%+v", r)
	}
}

func (w *crashWorld) trace() string { return filepath.Join(w.dir, "trace") }

// points are the names of the points that the last run came by.
func (w *crashWorld) points() []string {
	w.t.Helper()
	b, err := os.ReadFile(w.trace())
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// deaths is where clients died.
type deaths struct {
	mu sync.Mutex
	at map[string]int
	n  int
}

func (d *deaths) add(point string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at[point]++
	d.n++
}

// The client dies at each of its durable writes and of its calls that change
// something, and is run again. Every row then has its result once, was paid for
// once, and no batch was created twice. After some crashes the index is lost
// too.
func TestCrashAtEveryPoint(t *testing.T) {
	crashEverywhere(t, newCrashWorld, (*crashWorld).wantNothingStored)
}

// wantNothingStored fails if the provider still has results of a run that has
// ended.
func (w *crashWorld) wantNothingStored() {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.server.URL+"/v1/files?purpose=batch_output", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	_, key, _ := strings.Cut(withKey[0], "=")
	req.Header.Set("Authorization", "Bearer "+key)
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer reply.Body.Close()
	var list struct{ Data []struct{ ID string } }
	if err := json.NewDecoder(reply.Body).Decode(&list); err != nil || reply.StatusCode != http.StatusOK {
		w.t.Fatal(reply.Status, err)
	}
	if len(list.Data) > 0 {
		w.t.Errorf("%d files of results are left at the provider", len(list.Data))
	}
}

// So it does where all is answered from the cache.
func TestCrashAtEveryPointOfReuse(t *testing.T) {
	crashEverywhere(t, reusing, (*crashWorld).wantNoMore)
}

// So it does where rows wait for the answers of others.
func TestCrashAtEveryPointOfFollowing(t *testing.T) {
	crashEverywhere(t, following, (*crashWorld).wantNothingStored)
}

// So it does where rows refer to a file, of which none is left.
func TestCrashAtEveryPointOfFiles(t *testing.T) {
	for name := range storing {
		t.Run(name, func(t *testing.T) {
			if name != "openai" && !*crashAll {
				t.Skip("with -crash.all: it takes half a minute for each provider")
			}
			crashEverywhere(t, func(t *testing.T) *crashWorld { return attaching(t, name) }, (*crashWorld).wantNoFileStored)
		})
	}
}

// wantNoFileStored fails if the file of the rows was stored twice, or is left.
func (w *crashWorld) wantNoFileStored() {
	w.t.Helper()
	w.wantNothingStored()
	stored := 0
	for _, f := range w.server.Files() {
		if !strings.HasSuffix(f.Name, "-all.pdf") {
			continue
		}
		if stored++; !f.Deleted {
			w.t.Errorf("%s is left at the provider", f.Name)
		}
	}
	if stored != 1 {
		w.t.Errorf("the file was stored %d times", stored)
	}
}

// And where a run adopts what was bought for it.
func TestCrashAtEveryPointOfAdoption(t *testing.T) {
	crashEverywhere(t, adopting, func(w *crashWorld) {
		w.mustRun(w.buying("in.jsonl", "--out", "out.jsonl"))
		w.wantNoMore()
	})
}

// wantNoMore fails if something was bought that was bought already.
func (w *crashWorld) wantNoMore() {
	w.t.Helper()
	if n := len(w.server.Batches()); n != w.bought {
		w.t.Errorf("%d batches, %d before", n, w.bought)
	}
}

// crashEverywhere lets a client die at each point of what it does in such a
// world, and do it again; then follows what does not die.
func crashEverywhere(t *testing.T, prepare func(*testing.T) *crashWorld, then func(*crashWorld)) {
	t.Helper()
	var runs [3][]point
	for n := range runs {
		undisturbed := prepare(t)
		undisturbed.run()
		runs[n] = numbered(undisturbed.points())
	}
	points := inAll(runs[:]...)
	died := deaths{at: make(map[string]int)}
	t.Run("at", func(t *testing.T) {
		for n, p := range points {
			t.Run(strconv.Itoa(n+1), func(t *testing.T) {
				t.Parallel()
				w := prepare(t)
				if w.runUntil(p) {
					died.add(p.name)
					t.Logf("died %s", p.name)
				}
				if *crashTwice {
					w.runUntil(points[rand.N(n+1)])
				}
				if *crashLose > 0 && (n+1)%*crashLose == 0 {
					w.loseIndex()
				}
				w.run()
				then(w)
				if got := readResults(t, filepath.Join(w.dir, "out.jsonl")); len(got) != pointRows {
					t.Errorf("%d results for %d rows", len(got), pointRows)
				}
				wantExecutedOnce(t, w.server.URL+"/v1", w.asked)
			})
		}
	})
	if died.n < len(points)*9/10 {
		t.Errorf("died %d times in a run of %d points", died.n, len(points))
	}
	for _, p := range points {
		if died.at[p.name] == 0 {
			t.Errorf("never died %s", p.name)
		}
	}
	t.Logf("%d points: %v", len(points), died.at)
}
