package durable_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

// appendOnly is an Output that can be cut back, so that each result is in it
// exactly once.
type appendOnly struct{ ids []string }

func (a *appendOnly) Write(_ context.Context, results []durable.Result) error {
	for _, r := range results {
		a.ids = append(a.ids, r.ID)
	}
	return nil
}

func (a *appendOnly) Mark() string { return strconv.Itoa(len(a.ids)) }

func (a *appendOnly) Rewind(mark string) error {
	if mark == "" { // new to the job
		mark = "0"
		if len(a.ids) > 0 {
			return errors.New("the output holds something already")
		}
	}
	n, err := strconv.Atoi(mark)
	if err == nil && n > len(a.ids) {
		err = errors.New("the output is shorter than the job left it")
	}
	if err != nil {
		return err
	}
	a.ids = a.ids[:n]
	return nil
}

// A chunk that was written but not recorded, as a crash came between, is undone
// before the run goes on.
func ExampleRewinder() {
	job, _, tearDown := setUp(simulator.Config{})
	defer tearDown()

	out := &appendOnly{}
	job.Output = out
	_, err := durable.Run(context.Background(), job)
	fmt.Println(len(out.ids), "results", err)

	out.ids = append(out.ids, "T-1") // as a crash may leave it
	_, err = durable.Run(context.Background(), job)
	fmt.Println(len(out.ids), "results", err)
	// Output:
	// 3 results <nil>
	// 3 results <nil>
}
