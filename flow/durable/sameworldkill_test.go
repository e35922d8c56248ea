package durable_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

var killedWorlds = flag.Uint64("durable.killed", 1, "worlds in which the process of a job is killed, and compared with a stage")

// scriptProcess names the variable that makes this program the process of a
// job. It holds an order.
const scriptProcess = "BALER_TEST_SCRIPT"

// order is what such a process has to do.
type order struct {
	Seed uint64
	Dir  string
	URL  string
}

// These are the exit codes of such a process.
const (
	exitDone = iota
	exitFailed
	exitAgain     // the provider could not be reached
	exitUndecided // a person has to decide about rows
)

// runScript is the process of a job.
func runScript(text string) int {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
	switch err := o.run(context.Background()); {
	case err == nil:
		return exitDone
	case errors.As(err, new(*durable.UndecidedError)):
		return exitUndecided
	case retry.ClassOf(err) == retry.Retryable:
		return exitAgain
	default:
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
}

func (o order) run(ctx context.Context) error {
	client, err := openai.New("sk-test", openai.Config{
		BaseURL: o.URL, Calls: sink.EvenCalls(1_000_000),
		Retry: retry.Policy{Delay: time.Millisecond, MaxDelay: 10 * time.Millisecond},
	})
	if err != nil {
		return err
	}
	dir, err := durable.Open(filepath.Join(o.Dir, "state"))
	if err != nil {
		return err
	}
	out, err := durable.Lines(filepath.Join(o.Dir, "out.jsonl"))
	if err != nil {
		return err
	}
	s := newScript(o.Seed)
	_, err = durable.Run(ctx, durable.Job[durabletest.Ticket]{
		Name: "tickets", Dir: dir.With(state.Config{Log: durabletest.Quiet}), Output: out, Provider: client, Log: durabletest.Quiet,
		Source:  source.JSONL[durabletest.Ticket](filepath.Join(o.Dir, "in.jsonl")),
		Key:     func(tk durabletest.Ticket) string { return tk.ID },
		Request: s.requestOf,
		Batch:   durable.BatchLimits{MaxItems: scriptBatch, MaxWait: time.Hour}, MaxAttempts: scriptTries,
		Poll: 5 * time.Millisecond, Grace: 300 * time.Millisecond,
		Guard: retry.GuardConfig{PauseAbove: 1}, // rows fail on purpose
	})
	return errors.Join(err, out.Close())
}

// byProcesses settles the rows with a job whose processes are killed at calls
// of their provider. Time is real.
func (s *script) byProcesses(t *testing.T) map[string]settled {
	t.Helper()
	cfg := s.config()
	cfg.Latency = simulator.Latency{}
	server, err := simulator.Start("", cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := &durabletest.World{T: t, Server: server, Dir: t.TempDir()}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	w.Write("in.jsonl", s.lines()...)
	m := &mortal{next: server.Client().Transport}
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(&httputil.ReverseProxy{
		Transport: m, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, _ error) { panic(http.ErrAbortHandler) },
	})
	t.Cleanup(front.Close)
	o := order{Seed: s.seed, Dir: w.Dir, URL: front.URL + "/v1"}
	for n := 0; s.liveAndDie(t, m, o, n); n++ {
		if n > len(s.kills)+10 {
			t.Fatal("the job never ends")
		}
	}
	if s.deaths == 0 {
		t.Error("no process has died")
	}
	s.wantPaid(w)
	return s.ends(w)
}

// liveAndDie is the nth process of the job. It reports whether another one is
// needed.
func (s *script) liveAndDie(t *testing.T, m *mortal, o order, n int) bool {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	life, die := context.WithCancelCause(t.Context()) // whose end kills the process
	defer die(nil)
	cmd := exec.CommandContext(life, self)
	cmd.Env = append(os.Environ(), scriptProcess+"="+string(text))
	cmd.Stderr = os.Stderr
	if m.live(kill{}, nil); n < len(s.kills) {
		m.live(s.kills[n], die)
	}
	err = cmd.Run()
	switch code := cmd.ProcessState.ExitCode(); code {
	case exitDone:
		return false
	case exitAgain:
		return true
	case exitUndecided:
		s.letMissingFail(t, filepath.Join(o.Dir, "state"))
		return true
	case -1: // it was killed
		s.deaths++
		return true
	default:
		t.Fatalf("exit code %d, %v", code, err)
		return false
	}
}

// letMissingFail is the person who decides about rows that are missing.
func (s *script) letMissingFail(t *testing.T, path string) {
	t.Helper()
	dir, err := durable.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := dir.Attach("tickets")
	if err != nil {
		t.Fatal(err)
	}
	status, err := h.Status()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range status.Open {
		if err := h.Settle(t.Context(), b.Batch, durable.DecisionFail); b.Undecided && err != nil {
			t.Fatal(err)
		}
	}
}

// A job whose processes are killed settles the rows as a stage does that lives:
// each has the same end, and has been run and paid for as often.
func TestAKilledJobSettlesTheSameWorldAsAStage(t *testing.T) {
	// It is not parallel to others: a child holds their locks from fork to exec.
	for seed := range *killedWorlds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			world := func() *script {
				s := newScript(1000 + seed)
				s.faults = slices.DeleteFunc(s.faults, func(f simulator.Fault) bool { return f.Action == simulator.ActionLate }) // later than the grace, where time is real
				return s
			}
			if diff := cmp.Diff(world().byStage(t), world().byProcesses(t)); diff != "" {
				t.Errorf("stage (-) and job (+) differ:\n%s", diff)
			}
		})
	}
}
