package durable_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

// One question, and no directory: the whole job is ten lines. It does not
// survive the process, see Job.Dir.
func ExampleRun_one() {
	client, tearDown := newClient(simulator.Config{}) // or openai.New
	defer tearDown()

	_, err := durable.Run(context.Background(), durable.Job[string]{
		Name:     "one",
		Source:   source.Seq("one", slices.Values([]string{"Where is my parcel?"})),
		Key:      func(question string) string { return question },
		Prompt:   func(question string) (llm.Chat, error) { return llm.Ask(question), nil },
		Provider: client,
		Model:    "gpt-5.4-mini",
		Poll:     10 * time.Millisecond, // a real provider takes minutes or hours
		Output:   durable.Each(func(_ context.Context, r durable.Result) error { fmt.Println(r.Text); return nil }),
	})
	fmt.Println(err)
	// Output:
	// shipping: Where is my parcel?
	// <nil>
}
