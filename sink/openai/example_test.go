package openai_test

import (
	"context"
	"fmt"
	"time"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// A batch of two rows, call by call. Package flow/durable and sink.New do this,
// and all that may go wrong with it, for you.
func ExampleNew() {
	server, err := simulator.Start("", simulator.Config{}) // or OpenAI itself
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	client, err := openai.New("sk-simulated", openai.Config{BaseURL: server.URL + "/v1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.CloseIdle()

	spec := sink.Spec{Tag: "tickets-1", Endpoint: "/v1/chat/completions", Model: "gpt-5.4-mini"}
	texts := []string{"I was charged twice.", "[[400]]"}
	rows := func(yield func(sink.Row, error) bool) {
		for i, text := range texts {
			body, err := client.Info().Codec.Encode(spec.Model, llm.Ask(text).As("Name the category."))
			if !yield(sink.Row{ID: fmt.Sprintf("row-%d", i), Body: body}, err) {
				return
			}
		}
	}
	outcomes, err := answer(context.Background(), client, spec, rows)
	if err != nil {
		fmt.Println(err)
		return
	}
	reply, err := client.Info().Codec.Decode(outcomes["row-0"].Body)
	fmt.Println(reply.Text, err)
	fmt.Println(outcomes["row-1"].Err.Class, outcomes["row-1"].Err.Code)
	// Output:
	// billing: I was charged twice. <nil>
	// permanent invalid_value
}

// answer works with any provider.
func answer(ctx context.Context, p sink.Provider, spec sink.Spec, rows sink.Rows) (map[string]sink.Outcome, error) {
	file, err := p.Upload(ctx, spec, rows)
	if err != nil {
		return nil, err
	}
	batch, err := p.Create(ctx, spec, file, rows)
	if err != nil {
		return nil, err // if it is Ambiguous, p.Find tells whether the batch exists
	}
	h := sink.Handle{Batch: batch, File: file}
	ticker := time.NewTicker(10 * time.Millisecond) // seconds or minutes, with a real provider
	defer ticker.Stop()
	for ended := false; !ended; <-ticker.C {
		status, err := p.Status(ctx, h)
		if err != nil {
			return nil, err
		}
		ended = status.Ended
	}
	outcomes := make(map[string]sink.Outcome)
	for o, err := range p.Results(ctx, h) {
		if err != nil {
			return nil, err
		}
		outcomes[o.ID] = o
	}
	return outcomes, nil
}
