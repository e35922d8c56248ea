package router_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/router"
)

func Example() {
	// Two models, of which the first cannot answer long questions.
	type answer struct {
		question, text string
		failed         bool
	}
	model := func(name string, longest int) router.Route[string, answer] {
		return router.Route[string, answer]{Name: name, Build: func() flow.Stage[string, answer] {
			return flow.Map(func(_ context.Context, q string) (answer, error) {
				return answer{question: q, text: name + " knows", failed: len(q) > longest}, nil
			})
		}}
	}
	routed, err := router.New(
		func(q string) string { return q },
		func(a answer) string { return a.question },
		router.InOrder[string](),
		[]router.Route[string, answer]{model("small", 5), model("large", 50)},
		router.Config[string, answer]{Failed: func(a answer) bool { return a.failed }},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	p := flow.New(context.Background())
	questions := flow.From(p, slices.Values([]string{"why?", "how come?"}))
	for r := range flow.Chan(p, flow.Via(p, questions, routed)) {
		fmt.Println(r.Result.question, r.Result.text, r.Tried)
	}
	fmt.Println(p.Wait())
	// Unordered output:
	// why? small knows []
	// how come? large knows [small]
	// <nil>
}

func ExampleByKey() {
	type order struct{ shop, item string }
	orders := []order{{"oslo", "pen"}, {"rome", "cup"}, {"oslo", "ink"}}
	// Each shop has batches of its own, one at a time.
	shops := router.ByKey(func(o order) string { return o.shop }, func(shop string) flow.Stage[order, string] {
		batches := accumulator.New[order](accumulator.Config{MaxItems: 10, MaxWait: time.Second})
		return flow.Compose(func(p *flow.Pipeline, in <-chan []order) <-chan []string {
			return flow.Via(p, flow.Via(p, in, batches), flow.Map(func(_ context.Context, b accumulator.Batch[order]) (string, error) {
				defer b.Release()
				return fmt.Sprint(shop, " gets ", len(b.Items)), nil
			}))
		})
	}, router.KeyConfig[order]{Idle: time.Minute})
	p := flow.New(context.Background())
	for line := range flow.Chan(p, flow.Via(p, flow.From(p, slices.Values(orders)), shops)) {
		fmt.Println(line)
	}
	fmt.Println(p.Wait())
	// Unordered output:
	// oslo gets 2
	// rome gets 1
	// <nil>
}
