package durable_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/dedup"
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/join"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

// Stages of a pipeline prepare the items of a job: they leave out messages that
// are empty or come twice, and ask about the question and the answer of a
// thread together.
func ExampleThrough() {
	type message struct {
		id, thread string
		part       int
		text       string
	}
	type thread = join.Group[string, message]
	job, _, tearDown := setUp(simulator.Config{})
	defer tearDown()

	keys := dedup.NewKeys(&dedup.MemoryStates{}) // of one run: a job remembers its items by itself
	prepare := flow.Compose(func(p *flow.Pipeline, in <-chan []message) <-chan []thread {
		said := flow.Via(p, in, flow.Filter(func(m message) bool { return m.text != "" }))
		once := flow.Via(p, said, dedup.New(keys, func(m message) string { return m.id }, nil))
		return flow.Via(p, once, join.New(
			func(m message) string { return m.thread }, func(m message) int { return m.part }, 2, join.Config[string, message]{MaxOpen: 1000}))
	})
	messages := slices.Values([]message{
		{"1", "a", 0, "Where is my parcel?"},
		{"2", "b", 0, "It crashes."},
		{"3", "b", 1, "Which version?"},
		{"1", "a", 0, "Where is my parcel?"},
		{"4", "a", 1, ""},
		{"5", "a", 1, "On its way."},
	})
	report, err := durable.Run(context.Background(), durable.Job[thread]{
		Name: "threads", Source: durable.Through(source.Seq("messages", messages), prepare),
		Key: func(t thread) string { return t.Key },
		Prompt: func(t thread) (llm.Chat, error) {
			question := t.Items[0].text + " " + t.Items[1].text
			fmt.Println(t.Key, question)
			return llm.Ask("Was this answered? " + question), nil
		},
		Provider: job.Provider, Model: job.Model, Poll: job.Poll, Log: job.Log, Dir: job.Dir,
	})
	fmt.Println(report.Succeeded, "of", report.Rows, err)
	// Output:
	// b It crashes. Which version?
	// a Where is my parcel? On its way.
	// 2 of 2 <nil>
}
