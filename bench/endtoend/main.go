// Command endtoend measures a whole job: rows of about a kilobyte go from a
// file, through the provider's protocol over loopback, to results on disk. The
// client and the simulator are processes of their own on the same machine, so
// the rate is the rate of both together.
//
//	go run ./bench/endtoend -rows 10000,100000
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

var (
	rows    = flag.String("rows", "10000,100000", "numbers of rows to measure")
	batch   = flag.Int("batch", 10_000, "rows in a batch")
	dir     = flag.String("dir", "", "directory to work in (default: a temporary one)")
	profile = flag.String("cpuprofile", "", "write a CPU profile of the client here")
	client  = flag.String("client", "", "internal: be the client of the provider at this URL")
)

func main() {
	flag.Parse()
	run := measureAll
	if *client != "" {
		run = beClient
	}
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// measurement is what a client prints about itself.
type measurement struct {
	Rows, Batches  int
	Run, Resume    time.Duration
	PeakRSS, State int64 // bytes; State without requests and results
}

func measureAll(ctx context.Context) error {
	fmt.Printf("%s, %d CPUs, batches of %d\n\n", runtime.Version(), runtime.NumCPU(), *batch)
	fmt.Println("| rows | time | rows/s | peak RSS of the client | state beside the payload | resume when done |")
	fmt.Println("|---|---|---|---|---|---|")
	for text := range strings.SplitSeq(*rows, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		m, err := measure(ctx, n)
		if err != nil {
			return err
		}
		fmt.Printf("| %d | %.1f s | %.0f | %d MB | %d B/row | %d ms |\n", n, m.Run.Seconds(),
			float64(n)/m.Run.Seconds(), m.PeakRSS>>20, m.State/int64(n), m.Resume.Milliseconds())
	}
	return nil
}

// measure runs one job: the simulator here, the client in another process.
func measure(ctx context.Context, n int) (m measurement, err error) {
	work, err := os.MkdirTemp(*dir, "endtoend")
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(work)
	if err := writeInput(filepath.Join(work, "in.jsonl"), n); err != nil {
		return m, err
	}
	server, err := simulator.Start("", simulator.Config{Dir: filepath.Join(work, "provider")})
	if err != nil {
		return m, err
	}
	defer server.Close()
	self, err := os.Executable()
	if err != nil {
		return m, err
	}
	cmd := exec.CommandContext(ctx, self, "-client", server.URL+"/v1", "-dir", work,
		"-batch", strconv.Itoa(*batch), "-cpuprofile", *profile)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return m, err
	}
	err = json.Unmarshal(out, &m)
	return m, err
}

func writeInput(path string, n int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	filler := strings.Repeat("The parcel has not arrived, please look into it. ", 19)
	for i := range n {
		fmt.Fprintf(w, `{"id":"ticket-%d","text":"Order %d was due on Monday. %s"}`+"\n", i, i, filler)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

type ticket struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// beClient runs the job, and once more when it is done.
func beClient(ctx context.Context) error {
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	var m measurement
	began := time.Now()
	report, err := runJob(ctx)
	if err != nil {
		return err
	}
	if !report.Finished || report.Failed > 0 {
		return fmt.Errorf("not all rows succeeded: %+v", report)
	}
	m.Rows, m.Batches, m.Run = report.Rows, report.Batches, time.Since(began)
	if m.PeakRSS, err = peakRSS(); err != nil {
		return err
	}
	began = time.Now()
	if _, err := runJob(ctx); err != nil {
		return err
	}
	m.Resume = time.Since(began)
	if m.State, err = stateSize(filepath.Join(*dir, "state")); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(m)
}

func runJob(ctx context.Context) (report durable.Report, err error) {
	provider, err := openai.New("sk-bench", openai.Config{BaseURL: *client})
	if err != nil {
		return report, err
	}
	store, err := state.Open(filepath.Join(*dir, "state"), state.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return report, err
	}
	defer store.Close()
	out, err := durable.Lines(filepath.Join(*dir, "out.jsonl"))
	if err != nil {
		return report, err
	}
	defer out.Close()
	return durable.Run(ctx, durable.Job[ticket]{
		Name:     "endtoend",
		Source:   source.JSONL[ticket](filepath.Join(*dir, "in.jsonl")),
		Key:      func(t ticket) string { return t.ID },
		Prompt:   func(t ticket) (llm.Chat, error) { return llm.Ask("Summarise: " + t.Text), nil },
		Provider: provider,
		Model:    "gpt-5.4-mini",
		Batch:    accumulator.Config{MaxItems: *batch},
		Creates:  ratelimit.Per(1_000_000, time.Minute),
		Poll:     100 * time.Millisecond,
		Store:    store,
		Output:   out,
		Log:      slog.New(slog.DiscardHandler),
	})
}

// peakRSS is what Linux has seen this process use at most.
func peakRSS() (int64, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if fields := strings.Fields(line); fields[0] == "VmHWM:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("no VmHWM in /proc/self/status")
}

// stateSize sums the files that are neither requests nor results, as they take
// room on the disk.
func stateSize(root string) (total int64, err error) {
	err = filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "requests" || d.Name() == "results") {
			if err == nil {
				return filepath.SkipDir
			}
			return err
		}
		if d.Type().IsRegular() {
			info, err := d.Info()
			if err != nil {
				return err
			}
			total += blocks(info)
		}
		return nil
	})
	return total, err
}
