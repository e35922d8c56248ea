// Command endtoend measures a whole job: rows of about a kilobyte go from a
// file, through the provider's protocol over loopback, to results on disk. The
// client and the simulator are processes of their own on the same machine, so
// the rate is the rate of both together.
//
//	go run ./bench/endtoend -rows 10000,100000
//
// With -compare a client written by hand, the library and the command line do
// the same job in turns, and the figures are about the client's process alone.
// The hand-written client is bench/floor, which keeps nothing for a restart.
//
//	go run ./bench/endtoend -compare -rows 100000 -rounds 5
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

var (
	rows      = flag.String("rows", "10000,100000", "numbers of rows to measure")
	batch     = flag.Int("batch", 10_000, "rows in a batch")
	dir       = flag.String("dir", "", "directory to work in (default: a temporary one)")
	transfers = flag.Int("transfers", 8, "uploads and downloads of the library and the command line at a time")
	size      = flag.Int("size", 950, "bytes of a row, about")
	hold      = flag.Duration("hold", 0, "time for which the provider runs each batch, so that many are open at once")
	schema    = flag.Bool("schema", false, "ask for answers in JSON, and read each into its type")
	profile   = flag.String("cpuprofile", "", "write a CPU profile of the client here")
	heap      = flag.String("heapprofile", "", "write a profile of the client's heap here, as it was when it was largest")
	compare   = flag.Bool("compare", false, "measure the hand-written client, the library and the command line in turns")
	rounds    = flag.Int("rounds", 5, "rounds of -compare; a figure is their median")
	client    = flag.String("client", "", "internal: be the client of the provider at this URL")
	as        = flag.String("as", library, "client to measure without -compare: "+byHand+", "+library+", \""+commandLine+"\" or "+anyProgram)
	command   = flag.String("command", "", "the program, and its first arguments, of the contestant "+anyProgram+"; internal: that of "+commandLine)
	most      = flag.Duration("most", 0, "time after which a client fails, 0 for none")
	asJSON    = flag.Bool("json", false, "print measurements as JSON, without -compare")
)

const (
	model  = "gpt-5.4-mini"
	apiKey = "sk-bench"
	poll   = 100 * time.Millisecond
	prompt = "Summarise: "
)

func main() {
	flag.Parse()
	run := measureAll
	switch {
	case *client != "":
		run = beClient
	case *compare:
		run = compareAll
	}
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// measurement is what a client prints about itself.
type measurement struct {
	Run, CPU, Resume time.Duration
	PeakRSS, State   int64 // bytes; State without requests and results
}

func measureAll(ctx context.Context) error {
	program := *command
	if *as == commandLine && program == "" {
		built, remove, err := buildCommand(ctx)
		if err != nil {
			return err
		}
		defer remove()
		program = built
	}
	if !*asJSON {
		fmt.Printf("%s, %d CPUs, batches of %d\n\n", runtime.Version(), runtime.NumCPU(), *batch)
		fmt.Println("| rows | time | rows/s | peak RSS of the client | state beside the payload | resume when done |")
		fmt.Println("|---|---|---|---|---|---|")
	}
	for text := range strings.SplitSeq(*rows, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		m, err := measure(ctx, n, *as, program)
		if err != nil {
			return err
		}
		if *asJSON {
			if err := json.NewEncoder(os.Stdout).Encode(m); err != nil {
				return err
			}
			continue
		}
		fmt.Printf("| %d | %.1f s | %.0f | %d MB | %d B/row | %d ms |\n", n, m.Run.Seconds(),
			float64(n)/m.Run.Seconds(), m.PeakRSS>>20, m.State/int64(n), m.Resume.Milliseconds())
	}
	return nil
}

// measure runs one job: the simulator here, the client in another process.
func measure(ctx context.Context, n int, contestant, program string) (m measurement, err error) {
	work, err := os.MkdirTemp(*dir, "endtoend")
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(work)
	if err := writeInput(filepath.Join(work, "in.jsonl"), n); err != nil {
		return m, err
	}
	server, err := simulator.Start("", simulator.Config{
		Dir: filepath.Join(work, "provider"), Latency: simulator.Latency{Processing: *hold},
	})
	if err != nil {
		return m, err
	}
	defer server.Close()
	self, err := os.Executable()
	if err != nil {
		return m, err
	}
	cmd := exec.CommandContext(ctx, self, "-client", server.URL+"/v1", "-dir", work,
		"-batch", strconv.Itoa(*batch), "-cpuprofile", *profile, "-heapprofile", *heap, "-as", contestant, "-command", program, "-most", most.String(), "-transfers", strconv.Itoa(*transfers), "-schema="+strconv.FormatBool(*schema))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return m, fmt.Errorf("%s: %w", contestant, err)
	}
	if err := json.Unmarshal(out, &m); err != nil {
		return m, err
	}
	if err := checkOutput(filepath.Join(work, "out.jsonl"), n); err != nil {
		return m, fmt.Errorf("%s: %w", contestant, err)
	}
	return m, nil
}

func writeInput(path string, n int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	const sentence = "The parcel has not arrived, please look into it. "
	filler := strings.Repeat(sentence, max(*size/len(sentence), 1))
	for i := range n {
		fmt.Fprintf(w, `{"id":"ticket-%d","text":"Order %d was due on Monday. %s"}`+"\n", i, i, filler)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// checkOutput makes sure that each row was answered once, with an answer that
// is its own.
func checkOutput(path string, n int) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	seen := make([]bool, n)
	count := 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for ; lines.Scan(); count++ {
		var result struct{ ID, Text string }
		if err := json.Unmarshal(lines.Bytes(), &result); err != nil {
			return err
		}
		number, _ := strings.CutPrefix(result.ID, "ticket-")
		i, err := strconv.Atoi(number)
		if err != nil || i < 0 || i >= n || seen[i] {
			return fmt.Errorf("result %q was not asked for or comes twice", result.ID)
		}
		if !strings.Contains(result.Text, "Order "+number+" ") {
			return fmt.Errorf("result %q has the text of another row", result.ID)
		}
		seen[i] = true
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if count != n {
		return fmt.Errorf("%d results of %d rows", count, n)
	}
	return nil
}
