package durable_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

// Results go to a file of JSON lines, each exactly once, however often the run
// is interrupted and run again.
func ExampleLines() {
	job, _, tearDown := setUp(simulator.Config{})
	defer tearDown()
	path := filepath.Join(job.Dir.Path(), "..", "results.jsonl")

	for range 2 {
		out, err := durable.Lines(path)
		if err != nil {
			panic(err)
		}
		job.Output = out
		_, err = durable.Run(context.Background(), job)
		fmt.Println(err, out.Close())
	}
	results, err := os.ReadFile(path)
	fmt.Println(strings.Count(string(results), `"status":"succeeded"`), err)
	// Output:
	// <nil> <nil>
	// <nil> <nil>
	// 3 <nil>
}
