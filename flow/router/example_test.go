package router_test

import (
	"context"
	"fmt"
	"slices"

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
