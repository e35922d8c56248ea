// Command transfer measures what it takes to send a large batch and to read its
// results: the rate of each client against plain io.Copy of the same bytes to
// and from the same server, and how much more it has in memory than when idle.
// The client is a process of its own; the simulator is on the same machine.
//
//	go run ./bench/transfer
//	go run ./bench/transfer -rows 3 -request 40000000 -answer 40000000
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/simulator"
)

var (
	names   = flag.String("providers", strings.Join(catalog.Names(), ","), "providers to measure")
	rows    = flag.Int("rows", 50_000, "rows of the batch")
	request = flag.Int("request", 3_800, "bytes of text in a request")
	answer  = flag.Int("answer", 20_500, "bytes of text in an answer")
	dir     = flag.String("dir", "", "directory to work in (default: a temporary one)")
	client  = flag.String("client", "", "internal: be the client of the provider at this URL")
)

const (
	apiKey = "sk-bench"
	mega   = 1e6
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
	Rows     int // that have a result
	Up, Down side
}

// side is what one direction took.
type side struct {
	Bytes        int64
	Seconds      float64
	PlainSeconds float64 // of io.Copy
	Above        int64   // bytes in memory at most, above those before; -1 if it cannot be told
}

func measureAll(ctx context.Context) error {
	fmt.Printf("%s, %d CPUs, %d rows with %d bytes of text, and answers with %d\n\n", runtime.Version(), runtime.NumCPU(), *rows, *request, *answer)
	fmt.Println("| provider | sent | MB/s | of io.Copy | memory above idle | read | MB/s | of io.Copy | memory above idle |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	for name := range strings.SplitSeq(*names, ",") {
		m, err := measure(ctx, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Printf("| %s |%s%s\n", name, m.Up, m.Down)
	}
	return nil
}

// String is the cells of a table.
func (s side) String() string {
	return fmt.Sprintf(" %.0f MB | %.0f | %.2f | %s |", float64(s.Bytes)/mega, float64(s.Bytes)/mega/s.Seconds, s.PlainSeconds/s.Seconds, inMB(s.Above))
}

func inMB(bytes int64) string {
	if bytes < 0 {
		return "not known"
	}
	return fmt.Sprintf("%.0f MB", float64(bytes)/mega)
}

// measure sends and reads one batch: the simulator here, the client in another
// process.
func measure(ctx context.Context, name string) (m measurement, err error) {
	if !slices.Contains(simulator.Providers(), name) {
		return m, fmt.Errorf("the simulator plays none but %q", simulator.Providers())
	}
	work, err := os.MkdirTemp(*dir, "transfer")
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(work)
	text := strings.Repeat("answer ", *answer/7+1)[:*answer]
	server, err := simulator.Start("", simulator.Config{
		Dir: work, Provider: name, Answer: func(simulator.Row) simulator.Reply { return simulator.Reply{Text: text} },
	})
	if err != nil {
		return m, err
	}
	defer server.Close()
	self, err := os.Executable()
	if err != nil {
		return m, err
	}
	cmd := exec.CommandContext(ctx, self, "-client", server.BaseURL(""), "-providers", name, //nolint:gosec // itself
		"-rows", strconv.Itoa(*rows), "-request", strconv.Itoa(*request), "-dir", work)
	cmd.Env = append(os.Environ(), asClient+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return m, err
	}
	err = json.Unmarshal(out, &m)
	if err == nil && m.Rows != *rows {
		err = fmt.Errorf("%d rows have a result, of %d", m.Rows, *rows)
	}
	return m, err
}

// asClient tells a test that it is to be the client.
const asClient = "BALER_TRANSFER_CLIENT"
