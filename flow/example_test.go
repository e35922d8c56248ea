package flow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/balerhq/baler/flow"
)

func Example() {
	p := flow.New(context.Background())
	lines := flow.From(p, slices.Values([]string{"3", "1", "4", "1", "5"}))
	numbers := flow.Via(p, lines, flow.Map(func(_ context.Context, s string) (int, error) { return strconv.Atoi(s) }))
	large := flow.Via(p, numbers, flow.Filter(func(n int) bool { return n > 2 }))
	flow.To(p, large, func(_ context.Context, n int) error {
		fmt.Println(n)
		return nil
	})
	if err := p.Wait(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 3
	// 4
	// 5
}

func ExamplePipeline_Wait() {
	p := flow.New(context.Background())
	lines := flow.From(p, slices.Values([]string{"3", "x"}))
	parse := flow.Map(func(_ context.Context, s string) (int, error) { return strconv.Atoi(s) })
	flow.Discard(p, flow.Via(p, lines, parse, flow.Name("parse")))

	err := p.Wait()
	fmt.Println(err)
	if failure, ok := errors.AsType[*flow.StageError](err); ok {
		fmt.Println(failure.Stage)
	}
	// Output:
	// flow: stage "parse": strconv.Atoi: parsing "x": invalid syntax
	// parse
}

// A stage of one's own holds items back: here, it sends them in reverse at the
// end.
func ExampleStageFunc() {
	reverse := flow.StageFunc[string, string](func(ctx context.Context, in <-chan []string, out chan<- []string) error {
		var all []string
		for slice := range flow.Slices(ctx, in) {
			all = append(all, slice...)
		}
		slices.Reverse(all)
		return flow.Send(ctx, out, all)
	})

	p := flow.New(context.Background())
	words := flow.From(p, strings.FieldsSeq("one two three"))
	for word := range flow.Chan(p, flow.Via(p, words, reverse)) {
		fmt.Println(word)
	}
	fmt.Println(p.Wait())
	// Output:
	// three
	// two
	// one
	// <nil>
}

func ExampleParallel() {
	// A call that takes its time; four are on their way at any moment, and the
	// results keep the order.
	ask := flow.Map(func(_ context.Context, s string) (string, error) { return "re: " + s, nil })

	p := flow.New(context.Background())
	questions := flow.From(p, strings.FieldsSeq("why how when"))
	answers := flow.Via(p, questions, flow.Parallel(ask, flow.Concurrency{Workers: 4, Timeout: time.Minute}))
	for answer := range flow.Chan(p, answers) {
		fmt.Println(answer)
	}
	fmt.Println(p.Wait())
	// Output:
	// re: why
	// re: how
	// re: when
	// <nil>
}

func ExampleThen() {
	parse := flow.Map(func(_ context.Context, s string) (int, error) { return strconv.Atoi(s) })
	small := flow.Filter(func(n int) bool { return n < 10 })

	p := flow.New(context.Background())
	numbers := flow.Via(p, flow.From(p, strings.FieldsSeq("7 70 8")), flow.Then(parse, small))
	for n := range flow.Chan(p, numbers) {
		fmt.Println(n)
	}
	fmt.Println(p.Graph().Nodes[1].Name, p.Wait())
	// Output:
	// 7
	// 8
	// map+filter <nil>
}

func ExampleGraph_Mermaid() {
	p := flow.New(context.Background())
	evens, odds := flow.Partition(p, flow.From(p, slices.Values([]int{1, 2, 3})), func(n int) bool { return n%2 == 0 })
	flow.Discard(p, flow.Merge(p, evens, odds))
	fmt.Print(p.Graph().Mermaid())
	_ = p.Wait()
	// Output:
	// flowchart LR
	//   n0["source"]
	//   n1["partition"]
	//   n2["merge"]
	//   n3["discard"]
	//   n0 --> n1
	//   n1 --> n2
	//   n1 --> n2
	//   n2 --> n3
}
