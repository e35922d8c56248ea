package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// compareAll prints a table for each number of rows. In a round each contestant
// does the job once; the first is another one in each round.
func compareAll(ctx context.Context) error {
	if *profile != "" {
		return errors.New("-cpuprofile is for one client: name it with -as, without -compare")
	}
	if *rounds < 1 {
		return errors.New("-rounds must be at least 1")
	}
	program, remove, err := buildCommand(ctx)
	if err != nil {
		return err
	}
	defer remove()
	for text := range strings.SplitSeq(*rows, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		all, err := turns(ctx, n, program)
		if err != nil {
			return err
		}
		printComparison(n, all)
	}
	return nil
}

// buildCommand builds the command, with the means to profile it if that is
// wanted.
func buildCommand(ctx context.Context) (program string, remove func(), err error) {
	bin, err := os.MkdirTemp(*dir, "endtoend")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(bin) }
	program = filepath.Join(bin, "baler")
	tags := ""
	if *profile != "" {
		tags = "profile"
	}
	build := exec.CommandContext(ctx, "go", "build", "-tags", tags, "-o", program, "github.com/balerhq/baler/cmd/baler")
	if printed, err := build.CombinedOutput(); err != nil {
		remove()
		return "", nil, fmt.Errorf("build the command: %w: %s", err, printed)
	}
	return program, remove, nil
}

var order = []string{byHand, library, commandLine}

// turns returns the measurements of each contestant, by round.
func turns(ctx context.Context, n int, program string) (map[string][]measurement, error) {
	all := map[string][]measurement{}
	for round := range *rounds {
		for i := range order {
			name := order[(round+i)%len(order)]
			m, err := measure(ctx, n, name, program)
			if err != nil {
				return nil, err
			}
			all[name] = append(all[name], m)
		}
	}
	return all, nil
}

func printComparison(n int, all map[string][]measurement) {
	fmt.Printf("%d rows in batches of %d, %s, %d CPUs; medians of %d rounds (smallest to largest)\n\n",
		n, *batch, runtime.Version(), runtime.NumCPU(), *rounds)
	fmt.Println("| contestant | client CPU, us/row | of the floor's | time, s | of the floor's | peak RSS, MB | state beside the payload, B/row |")
	fmt.Println("|---|---|---|---|---|---|---|")
	cpu := func(m measurement) float64 { return float64(m.CPU.Nanoseconds()) / 1e3 / float64(n) }
	wall := func(m measurement) float64 { return m.Run.Seconds() }
	rss := func(m measurement) float64 { return float64(m.PeakRSS >> 20) }
	state := func(m measurement) float64 { return float64(m.State / int64(n)) }
	floor := all[byHand]
	for _, name := range order {
		ms, cpuRatio, wallRatio := all[name], "1", "1"
		if name != byHand {
			cpuRatio, wallRatio = ratio(ms, floor, cpu), ratio(ms, floor, wall)
		}
		fmt.Printf("| %s | %s | %s | %s | %s | %s | %s |\n", name,
			figure("%.1f", ms, cpu), cpuRatio, figure("%.2f", ms, wall), wallRatio,
			figure("%.0f", ms, rss), figure("%.0f", ms, state))
	}
	fmt.Println()
}

func figure(format string, ms []measurement, of func(measurement) float64) string {
	values := make([]float64, len(ms))
	for i, m := range ms {
		values[i] = of(m)
	}
	return spread(format, median(values), values)
}

// ratio is that of the medians, with the least and the greatest of a round.
func ratio(ms, floor []measurement, of func(measurement) float64) string {
	values, ours, theirs := make([]float64, len(ms)), make([]float64, len(ms)), make([]float64, len(ms))
	for i := range ms {
		ours[i], theirs[i] = of(ms[i]), of(floor[i])
		values[i] = ours[i] / theirs[i]
	}
	return spread("%.2f", median(ours)/median(theirs), values)
}

func spread(format string, middle float64, values []float64) string {
	return fmt.Sprintf(format+" ("+format+" to "+format+")", middle, slices.Min(values), slices.Max(values))
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
