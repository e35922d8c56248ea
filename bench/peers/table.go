package main

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// table holds the figures, in ns per item, by contest and contestant.
type table struct {
	rounds  int
	length  time.Duration
	clock   func() time.Duration
	unit    string
	columns []string
	rows    []string
	medians map[[2]string]float64
}

func newTable(rounds int, length time.Duration, cpu bool) *table {
	start := time.Now()
	t := &table{rounds: rounds, length: length, unit: "ns/item", medians: map[[2]string]float64{}}
	t.clock = func() time.Duration { return time.Since(start) }
	if cpu {
		t.clock, t.unit = cpuTime, "ns of CPU/item"
	}
	return t
}

// cpuTime is what this process has used of all processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it takes no input that could be wrong
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// run lets the entries of a contest take turns.
func (t *table) run(c contest) error {
	sizes := make([]int, len(c.entries))
	figures := make([][]float64, len(c.entries))
	for i, e := range c.entries {
		ns, err := t.measure(e, 20_000)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", c.name, e.name, err)
		}
		sizes[i] = max(20_000, int(float64(t.length.Nanoseconds())/ns))
	}
	for range t.rounds {
		for i, e := range c.entries {
			ns, err := t.measure(e, sizes[i])
			if err != nil {
				return fmt.Errorf("%s, %s: %w", c.name, e.name, err)
			}
			figures[i] = append(figures[i], ns)
		}
	}
	t.columns = append(t.columns, c.name)
	for i, e := range c.entries {
		if !slices.Contains(t.rows, e.name) {
			t.rows = append(t.rows, e.name)
		}
		t.medians[[2]string{c.name, e.name}] = median(figures[i])
	}
	return nil
}

func (t *table) measure(e entry, n int) (float64, error) {
	runtime.GC()
	start := t.clock()
	err := e.do(n)
	return float64((t.clock() - start).Nanoseconds()) / float64(n), err
}

func median(vs []float64) float64 {
	slices.Sort(vs)
	return (vs[(len(vs)-1)/2] + vs[len(vs)/2]) / 2
}

// get returns a median, or NaN if there is none.
func (t *table) get(column, row string) float64 {
	if v, ok := t.medians[[2]string{column, row}]; ok {
		return v
	}
	return math.NaN()
}

// fastest returns the lowest median in a column among those who are not baler.
func (t *table) fastest(column string) (string, float64) {
	best, name := math.Inf(1), ""
	for _, row := range t.rows {
		if v := t.get(column, row); !strings.HasPrefix(row, "baler") && !strings.HasPrefix(row, "bare") && v < best {
			best, name = v, row
		}
	}
	return name, best
}

func (t *table) print(out io.Writer) {
	fmt.Fprintf(out, "%s, %s/%s, %d cores; %s, median of %d interleaved rounds of %v\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), t.unit, t.rounds, t.length)
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', tabwriter.AlignRight|tabwriter.Debug)
	fmt.Fprintln(w, "\t"+strings.Join(t.columns, "\t")+"\t")
	fmt.Fprintln(w, "---"+strings.Repeat("\t---:", len(t.columns))+"\t")
	for _, row := range t.rows {
		fmt.Fprint(w, row+"\t")
		for _, column := range t.columns {
			if v := t.get(column, row); math.IsNaN(v) {
				fmt.Fprint(w, "\t")
			} else {
				fmt.Fprintf(w, "%.1f\t", v)
			}
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush()
	fmt.Fprintln(out)
	t.printBars(out)
}
