package anthropic_test

import (
	"context"
	"fmt"
	"time"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

// A batch of two rows, call by call. Package flow/durable and sink.New do this,
// and all that may go wrong with it, for you.
func ExampleNew() {
	server, err := simulator.Start("", simulator.Config{Provider: "anthropic"}) // or Anthropic itself
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	client, err := anthropic.New("sk-ant-simulated", anthropic.Config{BaseURL: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.CloseIdle()

	spec := sink.Spec{Tag: "tickets-1", Endpoint: anthropic.MessagesEndpoint, Model: "claude-haiku-5-5"}
	rows := func(yield func(sink.Row, error) bool) {
		for i, text := range []string{"I was charged twice.", "[[400]]"} {
			body, err := client.Info().Codec.Encode(spec.Model, llm.Ask(text).As("Name the category."))
			if !yield(sink.Row{ID: fmt.Sprintf("row-%d", i), Body: body}, err) {
				return
			}
		}
	}
	ctx := context.Background()
	batch, err := client.Create(ctx, spec, "", rows) // if the error is Ambiguous, the batch may exist
	if err != nil {
		fmt.Println(err)
		return
	}
	h := sink.Handle{Batch: batch}
	ticker := time.NewTicker(10 * time.Millisecond) // minutes, with Anthropic
	defer ticker.Stop()
	for status := (sink.Status{}); !status.Ended; <-ticker.C {
		if status, err = client.Status(ctx, h); err != nil {
			fmt.Println(err)
			return
		}
	}
	for o, err := range client.Results(ctx, h) { // successes first
		if err != nil {
			fmt.Println(err)
			return
		}
		if o.Err != nil {
			fmt.Println(o.ID, o.Err.Class, o.Err.Code)
			continue
		}
		reply, err := client.Info().Codec.Decode(o.Body)
		fmt.Println(o.ID, reply.Text, err)
	}
	// Output:
	// row-0 billing: I was charged twice. <nil>
	// row-1 permanent invalid_request_error
}
