package archive_test

import (
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// chainProcess names the variable that makes this program the process of a
// chain of runs. It holds where these are.
const chainProcess = "BALER_TEST_CHAIN"

type chainPlace struct{ Dir, URL string }

// TestChainProcess is that process. Otherwise it does nothing.
func TestChainProcess(t *testing.T) {
	text := os.Getenv(chainProcess)
	if text == "" {
		return
	}
	var place chainPlace
	if err := json.Unmarshal([]byte(text), &place); err != nil {
		t.Fatal(err)
	}
	client, err := openai.New("sk-test", openai.Config{BaseURL: place.URL, Calls: sink.EvenCalls(1_000_000)})
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdle()
	w := &durabletest.World{T: t, Dir: place.Dir, Provider: client, Log: new(durabletest.Log), Compacts: true}
	if !(chain{World: w, hasty: true}).run(t.Context(), [3]int{}) {
		t.Error("not done")
	}
}

var chainKills = flag.Int("chain.kills", 5, "how often the process of runs that live on the results of runs is killed; 20 also makes the test without processes larger")

// As TestRunsLiveOnTheResultsOfRuns, but the process of the runs is killed.
func TestRunsLiveOnTheResultsOfRunsWhenKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds of real time")
	}
	// It is not parallel: a child holds the locks of others from fork to exec.
	kills := *chainKills
	chainRows := 25 * kills
	processing := time.Duration(kills) * 200 * time.Millisecond // so that it outlasts the kills
	server, err := simulator.Start("", simulator.Config{Answer: repeats, Latency: simulator.Latency{Processing: processing}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	w := &durabletest.World{T: t, Server: server, Dir: t.TempDir()}
	w.Write("in.jsonl", durabletest.Tickets(chainRows)...)
	place, err := json.Marshal(chainPlace{w.Dir, server.URL + "/v1"})
	if err != nil {
		t.Fatal(err)
	}
	random, killed := rand.New(rand.NewPCG(3, 9)), 0
	for done := false; !done; {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChainProcess$") //nolint:gosec // this program
		cmd.Env = append(os.Environ(), chainProcess+"="+string(place))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if killed < kills {
			time.AfterFunc(time.Duration(random.IntN(1200))*time.Millisecond, func() { _ = cmd.Process.Kill() }) // it may have ended
		}
		switch err := cmd.Wait(); {
		case err == nil:
			done = true
		case cmd.ProcessState.Exited():
			t.Fatalf("a process failed: %v", err)
		default:
			killed++
		}
	}
	if killed < kills {
		t.Errorf("only %d kills", killed)
	}
	chain{World: w}.wantEach(chainRows)
}
