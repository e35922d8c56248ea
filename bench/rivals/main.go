// Command rivals lets other batch clients do the job of bench/endtoend: batchor,
// batchling, batchata and curator, which are Python packages, beside baler run and
// the hand-written client of bench/floor.
//
//	go run ./bench/rivals -rows 1000,10000,100000
//
// Each rival gets a virtual environment with the versions in clients/NAME.txt. Its
// program is clients/NAME_client.py, whose first lines say what is set and what is
// patched so that it reaches the simulator. All do the same job in turns, and the
// answers are checked row by row. It needs Linux, Python 3.11 for curator, Python
// 3.12 or 3.13 for the others, and a package index for the first run.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
)

var (
	rows   = flag.String("rows", "1000,10000,100000", "numbers of rows to measure")
	batch  = flag.Int("batch", 10_000, "rows in a batch")
	rounds = flag.Int("rounds", 3, "rounds; a figure is their median")
	most   = flag.Duration("most", 10*time.Minute, "time after which a client is stopped, and left out of larger jobs")
	dir    = flag.String("dir", "", "directory to work in (default: a temporary one)")
	venvs  = flag.String("venvs", "", "directory of the virtual environments, which are used again (default: in -dir)")
	only   = flag.String("only", "", "names of the contestants, with commas between them (default: all)")
)

func main() {
	flag.Parse()
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	if *rounds < 1 {
		return errors.New("-rounds must be at least 1")
	}
	work, err := os.MkdirTemp(*dir, "rivals")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if *venvs == "" {
		*venvs = filepath.Join(work, "venvs")
	}
	all, err := contestants(ctx, work)
	if err != nil {
		return err
	}
	fmt.Printf("%s, %s, %d CPUs, batches of %d, medians of %d rounds (smallest to largest)\n",
		time.Now().Format(time.DateOnly), runtime.Version(), runtime.NumCPU(), *batch, *rounds)
	for text := range strings.SplitSeq(*rows, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		turns(ctx, work, n, all)
		printTable(n, all)
	}
	return nil
}

// contestant is a client, and what was measured of it.
type contestant struct {
	name    string
	command []string // flags for endtoend
	taken   []measurement
	failed  error // why it is left out
}

// measurement is what endtoend prints.
type measurement struct {
	Run, CPU time.Duration
	PeakRSS  int64
}

func contestants(ctx context.Context, work string) (all []*contestant, err error) {
	for _, program := range []string{"cmd/baler", "bench/endtoend"} {
		build := exec.CommandContext(ctx, "go", "build", "-o", work, "github.com/balerhq/baler/"+program)
		if printed, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w: %s", program, err, printed)
		}
	}
	all = []*contestant{
		{name: "floor", command: []string{"-as", "floor"}},
		{name: "baler", command: []string{"-as", "baler run", "-command", filepath.Join(work, "baler")}},
	}
	if err := os.CopyFS(work, clients); err != nil {
		return nil, err
	}
	for _, r := range rivals {
		if !wanted(r.name) {
			continue
		}
		python, err := r.install(ctx, work)
		if err != nil {
			return nil, err
		}
		program := filepath.Join(work, "clients", r.name+"_client.py")
		all = append(all, &contestant{name: r.name + " " + r.version, command: []string{"-as", "program", "-command", python + " " + program}})
	}
	return all, nil
}

func wanted(name string) bool {
	return *only == "" || strings.Contains(","+*only+",", ","+name+",")
}

// turns lets each contestant do the job once in each round. The first is another
// one in each round.
func turns(ctx context.Context, work string, n int, all []*contestant) {
	for _, c := range all {
		c.taken = nil
	}
	for round := range *rounds {
		for i := range all {
			c := all[(round+i)%len(all)]
			if c.failed != nil {
				continue
			}
			m, err := c.measure(ctx, work, n)
			if err != nil {
				c.failed = fmt.Errorf("%d rows: %w", n, err)
				continue
			}
			c.taken = append(c.taken, m)
		}
	}
}

// measure lets endtoend do it, which starts the simulator, writes the rows and
// checks the answers.
func (c *contestant) measure(ctx context.Context, work string, n int) (m measurement, err error) {
	args := append([]string{
		"-json", "-rows", strconv.Itoa(n), "-batch", strconv.Itoa(*batch), "-most", most.String(), "-dir", work,
	}, c.command...)
	cmd := exec.CommandContext(ctx, filepath.Join(work, "endtoend"), args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return m, fmt.Errorf("%w: %s", err, lastLines(said.String(), 3))
	}
	err = json.Unmarshal(out, &m)
	return m, err
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(len(lines)-n, 0):], " / ")
}
