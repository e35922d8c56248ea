package sink_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// A pipeline collects questions into batches and has them answered. What fails
// is in the result of its item.
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

	ask := func(question string) (sink.Request, error) {
		return sink.Encode(client.Info().Codec, "gpt-5.4-mini", llm.Ask(question))
	}
	var lines []string
	save := func(_ context.Context, r sink.Result[string]) error {
		text := retry.ClassOf(r.Err).String()
		if r.Err == nil {
			text = r.Reply.Text
		}
		lines = append(lines, fmt.Sprintf("%s -> %s", r.Item, text))
		return nil
	}

	p := flow.New(context.Background())
	questions := flow.From(p, slices.Values([]string{"Where is my parcel?", "[[400]]", "The app crashes."}))
	batches := flow.Via(p, questions, accumulator.New[string](accumulator.Config{MaxItems: 500, MaxWait: time.Minute}))
	answers := flow.Via(p, batches, sink.New(client, ask, sink.Config{Poll: 20 * time.Millisecond}))
	flow.To(p, answers, save)
	if err := p.Wait(); err != nil {
		fmt.Println(err)
	}
	slices.Sort(lines) // they come in any order
	for _, line := range lines {
		fmt.Println(line)
	}
	// Output:
	// The app crashes. -> bug: The app crashes.
	// Where is my parcel? -> shipping: Where is my parcel?
	// [[400]] -> permanent
}
