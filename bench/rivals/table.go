package main

import (
	"fmt"
	"slices"
)

// printTable prints what was measured of a number of rows, and why a contestant
// is missing.
func printTable(n int, all []*contestant) {
	fmt.Printf("\n%d rows\n\n", n)
	fmt.Println("| client | rows/s | client CPU, us/row | of baler's | peak RSS, MB |")
	fmt.Println("|---|---:|---:|---:|---:|")
	cpu := func(m measurement) float64 { return float64(m.CPU.Nanoseconds()) / 1e3 / float64(n) }
	rate := func(m measurement) float64 { return float64(n) / m.Run.Seconds() }
	rss := func(m measurement) float64 { return float64(m.PeakRSS >> 20) }
	ours := all[1] // baler
	for _, c := range all {
		if c.failed != nil || len(c.taken) == 0 {
			continue
		}
		times := "1"
		if c != ours && len(ours.taken) > 0 {
			times = fmt.Sprintf("%.1f", median(c.taken, cpu)/median(ours.taken, cpu))
		}
		fmt.Printf("| %s | %s | %s | %s | %s |\n", c.name, spread(c.taken, rate), spread(c.taken, cpu), times, spread(c.taken, rss))
	}
	for _, c := range all {
		if c.failed != nil {
			fmt.Printf("\n%s: %v\n", c.name, c.failed)
		}
	}
}

func sorted(ms []measurement, of func(measurement) float64) (values []float64) {
	for _, m := range ms {
		values = append(values, of(m))
	}
	slices.Sort(values)
	return values
}

func median(ms []measurement, of func(measurement) float64) float64 {
	values := sorted(ms, of)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

func spread(ms []measurement, of func(measurement) float64) string {
	values := sorted(ms, of)
	return fmt.Sprintf("%.0f (%.0f to %.0f)", median(ms, of), values[0], values[len(values)-1])
}
