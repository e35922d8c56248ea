// Command peers compares the accumulator with other Go batching libraries.
//
// Every contestant does the same job: n items from one or eight producers go
// through batching by 100 or by 1 s into a consumer that sums them; count, sum
// and the largest batch are checked after every run. The contestants take turns
// in each round, and a figure is the median over the rounds.
//
//	go run . -rounds 10                  # the table
//	go run . -rounds 10 -cpu             # processor time, whatever else runs
//	go run . -rounds 1 -time 10ms        # do they all still work?
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 10, "rounds; a figure is their median")
	length := flag.Duration("time", 100*time.Millisecond, "how long one run should take")
	cpu := flag.Bool("cpu", false, "count the time of all processors, not the time that passes")
	only := flag.String("only", "", "run only the contests whose name has this in it")
	flag.Parse()

	table := newTable(*rounds, *length, *cpu)
	for _, c := range contests() {
		if !strings.Contains(c.name, *only) {
			continue
		}
		if err := table.run(c); err != nil {
			fmt.Fprintln(os.Stderr, "peers:", err)
			os.Exit(1)
		}
	}
	table.print(os.Stdout)
}
