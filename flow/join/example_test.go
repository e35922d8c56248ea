package join_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/join"
)

func Example() {
	type reading struct {
		minute, sensor int
		value          float64
	}
	stage := join.New(
		func(r reading) int { return r.minute },
		func(r reading) int { return r.sensor },
		2, join.Config[int, reading]{
			Within: time.Minute,
			Expired: func(_ context.Context, g join.Group[int, reading]) error {
				fmt.Println("minute", g.Key, "lacks sensor", g.Missing)
				return nil
			},
		})
	p := flow.New(context.Background())
	readings := flow.From(p, slices.Values([]reading{{1, 0, 20.5}, {2, 0, 20.6}, {1, 1, 0.4}}))
	for g := range flow.Chan(p, flow.Via(p, readings, stage)) {
		fmt.Println("minute", g.Key, g.Items[0].value, g.Items[1].value)
	}
	fmt.Println(p.Wait())
	// Unordered output:
	// minute 1 20.5 0.4
	// minute 2 lacks sensor [1]
	// <nil>
}
