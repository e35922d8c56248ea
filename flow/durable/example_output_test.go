package durable_test

import (
	"context"
	"fmt"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

// answers is an Output that keeps one answer per ticket. As a chunk may come
// twice after a crash, it overwrites by key: so does an upsert in a database.
type answers map[string]string

func (a answers) Write(_ context.Context, results []durable.Result) error {
	for _, r := range results {
		a[r.ID] = r.Text
	}
	return nil // all of them are safe
}

// An Output of one's own.
func ExampleOutput() {
	job, _, tearDown := setUp(simulator.Config{})
	defer tearDown()

	got := answers{}
	job.Output = got
	_, err := durable.Run(context.Background(), job)
	fmt.Println(len(got), "answers:", got["T-2"], err)
	// Output: 3 answers: billing: I was charged twice. <nil>
}
