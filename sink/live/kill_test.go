package live_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/live"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

const (
	childURL    = "LIVE_TEST_URL"
	childDir    = "LIVE_TEST_DIR"
	childRepeat = "LIVE_TEST_REPEAT"

	childRows = "LIVE_TEST_ROWS"

	killedSlots = 4
)

var killedRows = flag.Int("live.rows", 300, "rows of the test whose process is killed in the middle of live calls, at most 1000: a batch has no more")

// reopen returns a provider of a simulator with real time.
func reopen(t *testing.T, url, dir string, repeat bool) *live.Provider {
	t.Helper()
	c, err := openai.New(key, openai.Config{BaseURL: url + "/v1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	p, err := live.New(c, live.Config{Dir: dir, Rate: limited(killedSlots), Repeat: repeat})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll(t, p) })
	return p
}

// untilEnded creates the batch, unless there is one, and polls it.
func untilEnded(t *testing.T, p *live.Provider, n int) sink.Handle {
	t.Helper()
	batch, err := p.Create(t.Context(), spec("killed"), "", rows(n, chat("hello")))
	if err != nil {
		t.Fatal(err)
	}
	h := sink.Handle{Batch: batch}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if s, err := p.Status(t.Context(), h); err != nil || s.Ended {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	return h
}

// TestRunInSubprocess is not a test but the process that another one kills.
func TestRunInSubprocess(t *testing.T) {
	url := os.Getenv(childURL)
	if url == "" {
		t.Skip("runs only as a subprocess of another test")
	}
	n, err := strconv.Atoi(os.Getenv(childRows))
	if err != nil {
		t.Fatal(err)
	}
	untilEnded(t, reopen(t, url, os.Getenv(childDir), os.Getenv(childRepeat) != ""), n)
}

// However often the process is killed in the middle of calls, a row that was
// answered is not asked again. One whose call was under way is unclear, or is
// asked again if that does no harm.
func TestAKilledProcessAsksNoAnsweredRowAgain(t *testing.T) {
	const kills = 10
	every := int64(*killedRows / 15)
	for name, repeat := range map[string]string{"paid": "", "own server": "yes"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var calls atomic.Int64
			var counts sync.Map // of calls that reached the model, by row
			count := func(id string) *atomic.Int64 {
				n, _ := counts.LoadOrStore(id, new(atomic.Int64))
				return n.(*atomic.Int64)
			}
			fatal, killed := make(chan struct{}), make(chan struct{})
			server, err := simulator.Start("", simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
				count(r.CustomID).Add(1)
				if n := calls.Add(1); n%every == 0 && n <= every*kills {
					fatal <- struct{}{}
					<-killed
				}
				return simulator.Echo(r)
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			answered := make(map[string]int64) // how often a row was asked when it had an answer
			for range kills {
				cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRunInSubprocess$")
				cmd.Env = append(os.Environ(), childURL+"="+server.URL, childDir+"="+dir, childRepeat+"="+repeat, childRows+"="+strconv.Itoa(*killedRows))
				cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				<-fatal
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				_ = cmd.Wait() // reports the kill
				for _, id := range answeredRows(t, dir) {
					if n, before := answered[id]; before && n != count(id).Load() {
						t.Errorf("%s had an answer and was asked again", id)
					}
					answered[id] = count(id).Load()
				}
				killed <- struct{}{}
			}
			p := reopen(t, server.URL, dir, repeat != "")
			h := untilEnded(t, p, *killedRows)
			for id, n := range answered {
				if n != count(id).Load() {
					t.Errorf("%s had an answer and was asked again", id)
				}
			}
			t.Logf("%d rows were answered before the last kill", len(answered))
			checkKilled(t, p, h, server, repeat != "")
		})
	}
}

// answeredRows reads the log of the batch.
func answeredRows(t *testing.T, dir string) (ids []string) {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(dir, "killed", "calls"))
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`"answered":\{"row":\d+,"id":"([^"]+)","status":200`).FindAllSubmatch(log, -1) {
		ids = append(ids, string(found[1]))
	}
	return ids
}

// checkKilled compares the results with the ledger.
func checkKilled(t *testing.T, p *live.Provider, h sink.Handle, server *simulator.Server, repeat bool) {
	t.Helper()
	bills, err := simulator.Tally(server.Executions(), func(id string) string { return id })
	if err != nil {
		t.Fatal(err)
	}
	outcomes, unclear, asked := 0, 0, 0
	for o, err := range p.Results(context.Background(), h) {
		if err != nil {
			t.Fatal(err)
		}
		outcomes++
		n := bills[o.ID].Executed
		asked += n
		switch {
		case o.Err != nil && (repeat || o.Err.Class != retry.Ambiguous || o.Err.Code != live.CodeUnclear):
			t.Errorf("%s: %+v", o.ID, o.Err)
		case o.Err != nil:
			unclear++
		}
		if n > 1 && !repeat || n == 0 && o.Err == nil {
			t.Errorf("%s was asked %d times: %+v", o.ID, n, o.Err)
		}
	}
	t.Logf("%d rows, %d unclear, asked %d times", outcomes, unclear, asked)
	if outcomes != *killedRows || !repeat && (unclear < 10 || unclear > 10*killedSlots) ||
		repeat && (asked <= *killedRows || asked > *killedRows+10*killedSlots) {
		t.Error("the kills hit nothing, or too much")
	}
}
