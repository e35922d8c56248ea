package durable_test

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

// Results are read back with their answers as values.
func ExampleRead() {
	type sorted struct {
		Queue string `json:"queue"`
	}
	job, _, tearDown := setUp(simulator.Config{
		Answer: func(simulator.Row) simulator.Reply { return simulator.Reply{Text: `{"queue":"billing"}`} },
	})
	defer tearDown()
	path := filepath.Join(job.Dir.Path(), "..", "results.jsonl")

	out := must(durable.Lines(path))
	job.Output = out
	_, err := durable.Run(context.Background(), job)
	fmt.Println(err, out.Close())

	billing := 0
	for r, err := range durable.Read[sorted](path) {
		if err != nil {
			panic(err)
		}
		if r.Error == nil && r.Value.Queue == "billing" {
			billing++
		}
	}
	fmt.Println(billing, "for billing")
	// Output:
	// <nil> <nil>
	// 3 for billing
}
