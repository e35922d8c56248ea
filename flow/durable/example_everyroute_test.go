package durable_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

// Every model answers each ticket, for comparison.
func Example_everyRoute() {
	job, _, tearDown := setUp(simulator.Config{})
	defer tearDown()
	var answers []string
	report, err := durable.Run(context.Background(), durable.Job[Ticket]{
		Name:   "comparison",
		Source: source.Seq("tickets", slices.Values([]Ticket{{"1", "My parcel is late."}, {"2", "It crashes."}})),
		Key:    func(t Ticket) string { return t.ID },
		Prompt: func(t Ticket) (llm.Chat, error) { return llm.Ask(t.Text), nil },
		Routes: []durable.Route{
			{Name: "small", Provider: job.Provider, Model: "gpt-small"},
			{Name: "large", Provider: job.Provider, Model: "gpt-large"},
		},
		EveryRoute: true,
		Output: durable.Each(func(_ context.Context, r durable.Result) error {
			answers = append(answers, fmt.Sprintf("%s is %s by %s", r.ID, r.Item, r.Model))
			return nil
		}),
		Poll: job.Poll, Log: job.Log, Dir: job.Dir,
	})
	slices.Sort(answers)
	for _, answer := range answers {
		fmt.Println(answer)
	}
	fmt.Println(report.Succeeded, "of", report.Rows, err)
	// Output:
	// 1@large is 1 by gpt-large
	// 1@small is 1 by gpt-small
	// 2@large is 2 by gpt-large
	// 2@small is 2 by gpt-small
	// 4 of 4 <nil>
}
