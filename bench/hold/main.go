// Command hold measures what calls cost that wait for their batches: 10,000 in
// baler serve, a process of its own, and 10,000 in a RoundTripper. Beside them
// stands a bare handler of net/http that waits.
//
//	go run ./bench/hold
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/intercept"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/simulator"
)

var (
	calls = flag.Int("calls", 10_000, "calls at a time")
	bare  = flag.Bool("bare", false, "be the bare server")
)

func main() {
	flag.Parse()
	if *bare {
		fmt.Fprintln(os.Stderr, "hold:", serveBare())
		os.Exit(1)
	}
	if err := measure(); err != nil {
		fmt.Fprintln(os.Stderr, "hold:", err)
		os.Exit(1)
	}
}

func measure() error {
	dir, err := os.MkdirTemp("", "baler-hold-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return errors.Join(inBare(), inProxy(dir), inProcess(dir))
}

// provider is one whose batches end when the clock is moved.
func provider() (*simulator.Server, error) {
	return simulator.Start("", simulator.Config{Latency: simulator.Latency{Processing: 10 * time.Hour}})
}

// askAll makes all calls at once, and returns how many were not answered.
func askAll(via http.RoundTripper, base string) int64 {
	var all sync.WaitGroup
	var bad atomic.Int64
	for n := range *calls {
		all.Go(func() {
			if !ask(via, base, n) {
				bad.Add(1)
			}
		})
	}
	all.Wait()
	return bad.Load()
}

// ask makes a call of about a kilobyte, and reports whether the answer is that
// of it.
func ask(via http.RoundTripper, base string, n int) bool {
	body := fmt.Sprintf(`{"model":"gpt-test","messages":[{"role":"system","content":%q},{"role":"user","content":"ticket number %d"}]}`, strings.Repeat("x", 900), n)
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, base+"/chat/completions", strings.NewReader(body))
	if err != nil {
		return false
	}
	r.Header.Set("Authorization", "Bearer sk-test")
	r.Header.Set("User-Agent", "OpenAI/Python 3")
	reply, err := via.RoundTrip(r)
	if err != nil {
		return false
	}
	defer reply.Body.Close()
	b, err := io.ReadAll(reply.Body)
	return err == nil && bytes.Contains(b, fmt.Appendf(nil, "ticket number %d\"", n))
}

// inProxy holds the calls in baler serve.
func inProxy(dir string) error {
	server, err := provider()
	if err != nil {
		return err
	}
	defer server.Close()
	command := filepath.Join(dir, "baler")
	if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", command, "./cmd/baler").CombinedOutput(); err != nil { //nolint:gosec // our own
		return fmt.Errorf("build: %s: %w", out, err)
	}
	serve := exec.CommandContext(context.Background(), command, "serve", "--addr", "127.0.0.1:14747", "--state", filepath.Join(dir, "served")) //nolint:gosec // our own
	serve.Env = append(os.Environ(), "OPENAI_BASE_URL="+server.BaseURL("openai"))
	if err := serve.Start(); err != nil {
		return err
	}
	defer func() { _ = serve.Process.Kill(); _ = serve.Wait() }()
	const front = "http://127.0.0.1:14747"
	via := &http.Transport{}
	defer via.CloseIdleConnections()
	until(func() bool { return strings.Contains(stats(front), "serve") })
	idle := rss(serve.Process.Pid)
	go func() {
		until(func() bool { return strings.Contains(stats(front), fmt.Sprint(*calls, " wait")) })
		until(func() bool { return len(server.Batches()) >= *calls/intercept.DefaultBatchSize })
		settle()
		fmt.Printf("| baler serve, memory of a held call | %.1f KB |\n", float64(rss(serve.Process.Pid)-idle)/float64(*calls))
		_ = server.Advance(20 * time.Hour)
	}()
	if wrong := askAll(via, front+"/openai/v1"); wrong > 0 {
		return fmt.Errorf("%d calls were not answered", wrong)
	}
	fmt.Printf("| baler serve, batches of %d calls | %d |\n", *calls, len(server.Batches()))
	return nil
}

func stats(front string) string {
	r, err := http.Get(front + "/healthz") //nolint:gosec,noctx // on this machine
	if err != nil {
		return ""
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body) // nothing is no answer
	return string(b)
}

func until(done func() bool) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		<-tick.C
	}
}

// settle lets what was bought come to rest, and the clients hear from the proxy
// for the first time.
func settle() {
	timer := time.NewTimer(30 * time.Second)
	defer timer.Stop()
	<-timer.C
}

// rss returns the memory of a process, in KB.
func rss(pid int) int {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status") // there is none but on Linux
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	n, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
	return n
}

// inProcess holds the calls in a RoundTripper.
func inProcess(dir string) error {
	server, err := provider()
	if err != nil {
		return err
	}
	defer server.Close()
	states, err := durable.Open(filepath.Join(dir, "held"))
	if err != nil {
		return err
	}
	quiet := slog.New(slog.DiscardHandler)
	i, err := intercept.New(intercept.Config{
		Dir: states.With(state.Config{Log: quiet}), All: true, Poll: time.Second, Log: quiet, Calls: sink.EvenCalls(1_000_000),
	})
	if err != nil {
		return err
	}
	before := memory()
	go func() {
		until(func() bool {
			return i.Stats().Waiting == int64(*calls) && len(server.Batches()) >= *calls/intercept.DefaultBatchSize
		})
		settle()
		fmt.Printf("| RoundTripper, memory of a held call, with its goroutine | %.1f KB |\n", float64(memory()-before)/float64(*calls)/1024)
		_ = server.Advance(20 * time.Hour)
	}()
	if wrong := askAll(i, server.BaseURL("openai")); wrong > 0 {
		return fmt.Errorf("%d calls were not answered", wrong)
	}
	took := make([]time.Duration, *calls)
	for n := range took {
		began := time.Now()
		if !ask(i, server.BaseURL("openai"), n) {
			return errors.New("an answer is gone")
		}
		took[n] = time.Since(began)
	}
	slices.Sort(took)
	fmt.Printf("| RoundTripper, a call whose answer is there, median / p99 | %s / %s |\n", took[len(took)/2].Round(time.Microsecond/10), took[len(took)*99/100].Round(time.Microsecond/10))
	return i.Close()
}

// memory is what the process has in use, after a collection.
func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
